"""Folders that only the user of this process may look into."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from bot.domain.errors import AccessError


def make_private_folder(folder: Path) -> None:
    """Make `folder` for this user alone, and so everything that this process makes from now on.

    One that is there already is closed, if it is this user's own: it may be a mount of somebody else's. AccessError
    where it cannot be made.
    """
    os.umask(0o077)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as problem:
        raise AccessError(folder, "made", problem) from None
    with suppress(PermissionError):
        folder.chmod(0o700)
