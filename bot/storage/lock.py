"""Hold a data folder alone: one SQLite file has one service."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import IO

from bot.domain.errors import BotError, ExitCode

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_LOG = logging.getLogger(__name__)
_NAME = "service.lock"


class InUseError(BotError):
    """Another service works with this data folder."""

    exit_code = ExitCode.IN_USE


def lock_folder(folder: Path) -> IO[str]:
    """Hold `folder` until the file that is returned is closed, or this process ends. Raises InUseError."""
    file = (folder / _NAME).open("a")
    try:
        if sys.platform == "win32":
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        file.close()
        raise InUseError(
            f"another `aios-bot serve` works with {folder}: stop it first, set AIOS_BOT_DATA to another folder, or "
            "use PostgreSQL (AIOS_BOT_DATABASE_URL) for several"
        ) from None
    except OSError as problem:
        _LOG.warning("%s is on a file system without locks (%s): start no second service on it", folder, problem)
    return file
