"""What a service does at its start to hold less memory. `python -m bench idle` prints how much it holds."""

from __future__ import annotations

import ctypes
import sys

from bot.service.later import import_later

ARENAS = 2
_M_ARENA_MAX = -8  # of glibc's malloc.h


def spare_memory() -> None:
    """Call it before any thread is started, and before anything imports PyGithub or SQLAlchemy."""
    keep_few_arenas()
    import_later()


def keep_few_arenas(most: int = ARENAS) -> bool:
    """Whether the C library shares `most` arenas among all threads from now on. Call it before any thread starts.

    glibc makes eight for each processor, and gives back little of what each held at its fullest: pieces that are
    still in use lie between. Python's own objects are mostly elsewhere, so that its threads seldom wait for each
    other there. MALLOC_ARENA_MAX in the environment does not change it.
    """
    if not sys.platform.startswith("linux"):
        return False
    change = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none, and one arena
    return change is not None and bool(change(_M_ARENA_MAX, most))
