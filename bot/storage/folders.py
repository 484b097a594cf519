"""Folders that only the user of this process may look into."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def make_private_folder(folder: Path) -> None:
    """Make `folder` for this user alone, and so everything that this process makes from now on.

    One that is there already is closed, if it is this user's own: it may be a mount of somebody else's.
    """
    os.umask(0o077)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(PermissionError):
        folder.chmod(0o700)
