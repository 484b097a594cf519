"""How long to wait after a rate limit or an outage.

Source: GitHub's "Best practices for using the REST API": Retry-After, else the reset time, else a minute that
doubles. Waiting is left to the caller: the result is RetryLater.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from bot.domain.errors import RetryLater

LONGEST_BLOCK = 3600.0  # seconds
LONGEST_OUTAGE_WAIT = 60.0  # seconds


class Backoff:
    """The waits of one identity, longer with each failure in a row. Safe between threads."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since 1970."""
        self._clock = clock
        self._lock = threading.RLock()
        self._blocks = 0  # in a row, by secondary limits that named no time
        self._outages = 0  # in a row

    def space_write(self, path: str) -> None:
        """Before a write to `path`. Only an installation's budget spaces them."""

    def observe(self, headers: Mapping[str, str]) -> None:
        """After each response. Only an installation's budget reads its headers, whose names are in lower case."""

    def note_success(self) -> None:
        """Note that a request was carried out."""
        with self._lock:
            self._blocks = self._outages = 0

    def limited(self, request: str, headers: Mapping[str, str], message: str) -> RetryLater:
        """The error for a response that speaks of a rate limit."""
        with self._lock:
            after, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "")
            if after.isdigit():
                wait = max(1.0, float(after))
            elif is_exhausted(headers) and reset.isdigit():
                wait = max(1.0, float(reset) - self._clock() + 1)
            else:
                wait = min(60.0 * 2**self._blocks, LONGEST_BLOCK)
                self._blocks += 1
            return RetryLater(f"GitHub asks to wait before {request}: {message}", seconds=wait)

    def outage(self, request: str, happened: str, headers: Mapping[str, str] | None = None) -> RetryLater:
        """The error when no usable response came: a short wait at first, then longer ones."""
        with self._lock:
            after = (headers or {}).get("retry-after", "")
            wait = min(5.0 * 2 ** min(self._outages, 10), LONGEST_OUTAGE_WAIT)
            self._outages += 1
            return RetryLater(f"{request}: {happened}", seconds=max(1.0, float(after)) if after.isdigit() else wait)


def is_exhausted(headers: Mapping[str, str]) -> bool:
    """Whether a response says that no request is left of the hour's."""
    return headers.get("x-ratelimit-remaining") == "0"
