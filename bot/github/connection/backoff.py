"""How long to wait after a rate limit or an outage.

Source: GitHub's "Best practices for using the REST API": Retry-After, else the reset time, else a minute that
doubles. Waiting is left to the caller: the result is RetryLater.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

from bot.domain.errors import RetryLater
from bot.github.errors import Unavailable

LONGEST_BLOCK = 3600.0  # seconds
LONGEST_OUTAGE_WAIT = 60.0  # seconds
LONGEST_REFUSAL_WAIT = 300.0  # seconds
NOTABLE_SKEW = 60  # seconds; GitHub takes no key whose time is off by minutes


class Backoff:
    """The waits of one identity, longer with each failure in a row. Safe between threads."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since 1970."""
        self._clock = clock
        self._lock = threading.RLock()
        self._blocks = 0  # in a row, by secondary limits that named no time
        self._outages = 0  # in a row
        self._refusals = 0  # of credentials, in a row
        self._refused_until = 0.0  # what is refused before then was sent beside the last one, and counts with it

    def space_write(self, path: str) -> None:
        """Before a write to `path`. Only an installation's budget spaces them."""

    def observe(self, headers: Mapping[str, str]) -> None:
        """After each response. Only an installation's budget reads its headers, whose names are in lower case."""

    def note_success(self) -> None:
        """Note that a request was carried out."""
        with self._lock:
            self._blocks = self._outages = self._refusals = 0

    def limited(self, request: str, headers: Mapping[str, str], message: str) -> RetryLater:
        """The error for a response that speaks of a rate limit."""
        with self._lock:
            after, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "")
            left = float(reset) - self._time_there(headers) if is_exhausted(headers) and reset.isdigit() else -1.0
            if after.isdigit():
                wait = max(1.0, float(after))
            elif left >= 0:
                wait = left + 1
            else:  # also where the reset is over, and GitHub refuses all the same
                wait = min(60.0 * 2**self._blocks, LONGEST_BLOCK)
                self._blocks += 1
            return RetryLater(f"GitHub asks to wait before {request}: {message}", seconds=wait)

    def outage(self, request: str, happened: str, headers: Mapping[str, str] | None = None) -> Unavailable:
        """The error when no usable response came: a short wait at first, then longer ones."""
        with self._lock:
            after = (headers or {}).get("retry-after", "")
            wait = min(5.0 * 2 ** min(self._outages, 10), LONGEST_OUTAGE_WAIT)
            self._outages += 1
            return Unavailable(f"{request}: {happened}", seconds=max(1.0, float(after)) if after.isdigit() else wait)

    def refused(self, request: str, headers: Mapping[str, str], kind: type[RetryLater], message: str) -> RetryLater:
        """The error, of this `kind`, for credentials that GitHub does not accept.

        The first wait is short, for a token that ended early; then they get longer: GitHub blocks clients that go on.
        """
        with self._lock:
            now = self._clock()
            if now >= self._refused_until:
                self._refusals += 1
            wait = min(2.0 ** min(self._refusals, 10), LONGEST_REFUSAL_WAIT)
            self._refused_until = max(self._refused_until, now + wait)
            skew = self.skew(headers)
        wrong = f" (this machine's clock is {skew:+.0f} s off GitHub's)" if abs(skew) >= NOTABLE_SKEW else ""
        return kind(f"GitHub did not accept our credentials for {request}: {message}{wrong}", seconds=wait)

    def skew(self, headers: Mapping[str, str]) -> float:
        """By how many seconds our clock is ahead of the one that wrote `headers`; 0 where they do not tell."""
        return self._clock() - self._time_there(headers) if "date" in headers else 0.0

    def _time_there(self, headers: Mapping[str, str]) -> float:
        """The time by the clock that wrote `headers`; our own where they do not tell."""
        try:
            return parsedate_to_datetime(headers.get("date", "")).timestamp()
        except ValueError:
            return self._clock()


def is_exhausted(headers: Mapping[str, str]) -> bool:
    """Whether a response says that no request is left of the hour's."""
    return headers.get("x-ratelimit-remaining") == "0"
