"""Which files of a fleet repository decide what runs where. Pure.

A pull request that changes one of them is never deployed before it is merged: it could change the very rules
that it is judged by, what a runner executes, or where a submodule comes from.
"""

from __future__ import annotations

from pathlib import PurePosixPath

_FOLDERS = (".github", "actions")
_NAMES = ("action.yml", "action.yaml", ".gitmodules")


def is_control_file(path: str) -> bool:
    """Whether `path` (POSIX, from the repository's root) is one: in any case, for some file systems know no other."""
    parts = PurePosixPath(path.lower()).parts
    return bool(parts) and (parts[0] in _FOLDERS or parts[-1] in _NAMES)
