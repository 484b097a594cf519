"""What a checkout consists of, as one digest: the service signs it, and a node compares it. Pure.

It is of what the plan was made from. An order whose commit holds other files than its plan read is refused by the
node, whatever the reason for it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple


class TreeFile(NamedTuple):
    """A file, a link or a nested submodule: its path in the checkout, git's mode, and git's id of its content."""

    path: str
    mode: str
    oid: str


def digest_tree(files: Iterable[TreeFile]) -> str:
    """SHA-256, in full, over `files`, in whatever order they come."""
    whole = hashlib.sha256()
    for one in sorted(files):
        whole.update(f"{one.path}\0{one.mode}\0{one.oid}\n".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()
