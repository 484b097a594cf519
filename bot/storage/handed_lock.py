"""The node's lock, which git and docker hold with the agent: it is not free before they have ended, too.

An agent that is killed alone leaves them at work in the checkout and on the engine. A lock that is let go of is free
at once, even while another process holds the descriptor. Hooks do not get it: what one of them leaves running may run
for ever.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from bot.settings.inherited import hand_on

POLL = 0.05  # seconds between two tries


class LockedError(Exception):
    """Another process holds the lock."""


def take_lock(path: Path, *, seconds: float) -> AbstractContextManager[None]:
    """Take the lock at `path`; LockedError after `seconds` in which another process holds it, or OSError.

    What is returned lets go of it at its end.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if sys.platform == "win32":
        from filelock import FileLock, Timeout  # noqa: PLC0415 - each order would wait for it, where it is not needed

        try:
            return FileLock(path, timeout=seconds).acquire()
        except Timeout:
            raise LockedError from None
    deadline = time.monotonic() + seconds
    while (descriptor := _try(path)) is None:
        if time.monotonic() >= deadline:
            raise LockedError
        time.sleep(POLL)
    return _hold(descriptor)


if sys.platform != "win32":
    import fcntl

    def _try(path: Path) -> int | None:
        """The descriptor of the locked file, or None if it is locked, or was replaced just now."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except (BlockingIOError, FileNotFoundError):
            pass
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return None

    @contextmanager
    def _hold(descriptor: int) -> Iterator[None]:
        try:
            with hand_on(descriptor):
                yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)
