"""The node's lock, which git and docker hold with the agent: it is not free before they have ended, too.

An agent that is killed alone leaves them at work in the checkout and on the engine. A lock that is let go of is free
at once, whoever still holds the descriptor. Hooks do not get it: what one of them leaves running may run for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from filelock import FileLock

from bot.settings.inherited import hand_on


class _NodeLock(FileLock):
    @property
    def descriptor(self) -> int:
        """Of the locked file."""
        return self._context.lock_file_fd or 0


def take_lock(path: Path, *, seconds: float) -> AbstractContextManager[None]:
    """Take the lock at `path`; filelock.Timeout after `seconds` in which another process holds it, or OSError.

    What is returned lets go of it at its end.
    """
    lock = _NodeLock(path, timeout=seconds)
    return _hold(lock.acquire(), lock.descriptor)


@contextmanager
def _hold(held: AbstractContextManager[object], descriptor: int) -> Iterator[None]:
    with held, hand_on(descriptor):
        yield
