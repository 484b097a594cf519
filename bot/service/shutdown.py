"""End the service within a time limit, whatever still runs.

What is in flight then (a request that GitHub does not answer, a git that stalls, a thread of the engine) is cut
off as by a power cut. That loses nothing: a job is settled only when it is done, and runs again at the next start.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable

from bot.domain.errors import ExitCode

LIMIT = 10.0  # seconds from the signal to the end of the process: what `docker stop` grants
_MARGIN = 2.0  # for a loaded machine to end the process in

_LOG = logging.getLogger("bot.shutdown")


class Shutdown:
    """One process's shutdown. `requested` is set when it begins; `left` counts down from then on."""

    def __init__(self, limit: float = LIMIT, *, cut_off: Callable[[], None] | None = None) -> None:
        """`cut_off` ends the process at once (default: without waiting for any thread)."""
        self.requested = threading.Event()
        self._limit = limit
        self._since: float | None = None
        self._cut_off = cut_off or _end_now
        self._over = threading.Event()
        # A signal handler may interrupt whoever holds a lock; this queue is made for that, an Event is not.
        self._begun: queue.SimpleQueue[None] = queue.SimpleQueue()
        # A daemon: it outlives the main thread's wait for the others, and never holds the process itself.
        threading.Thread(target=self._watch, name="shutdown", daemon=True).start()

    def begin(self) -> None:
        """Begin the shutdown; from now on the time runs. Safe in a signal handler; a second call changes nothing."""
        if self._since is None:
            self._since = time.monotonic()
        self._begun.put(None)

    def left(self) -> float:
        """Seconds that remain for an orderly shutdown; all of them before it begins."""
        spent = 0.0 if self._since is None else time.monotonic() - self._since
        return max(0.0, self._limit - _MARGIN - spent)

    def over(self) -> None:
        """The shutdown is complete and the process goes on: nothing is cut off any more."""
        self._over.set()
        self.begin()

    def leave(self) -> None:
        """The shutdown is complete: end the process now.

        Without the interpreter's own cleanup, which takes seconds on a loaded machine, in which no thread
        could cut it off any more; threads of libraries may hold it up for good.
        """
        self._over.set()
        self._cut_off()

    def _watch(self) -> None:
        self._begun.get()
        self.requested.set()
        if not self._over.wait(self.left()):
            waited = self._limit - _MARGIN
            running = [one.name for one in threading.enumerate() if not one.daemon]
            _LOG.warning("cut off after %.0f s, to be run again at the next start: %s", waited, running)
            self._cut_off()


def _end_now() -> None:
    logging.shutdown()
    sys.stdout.flush()
    os._exit(ExitCode.OK)
