"""What one installation may still ask of GitHub, as GitHub's own answers tell, and who has to wait.

Sources: GitHub's "Rate limits for the REST API" and "Best practices for using the REST API": 5,000 requests an
hour and more, about 80 writes a minute and 500 an hour of those that notify people, Retry-After before the reset
time before a minute that doubles. Waiting is the inbox's: what is said here is RetryLater.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping

from bot.domain.errors import RetryLater
from bot.github.connection import metrics
from bot.github.connection.metrics import DeferralReason

RESERVED = 0.1  # of the hour's requests, for people's commands
BURST = 20  # writes at once; with one a second after them no minute has more than 80
SLEPT_FOR_SPACE = 5.0  # seconds that a piece of work waits in place for its next write; longer is the inbox's
NOTIFYING_PER_HOUR = 450  # GitHub's limit is about 500
LONGEST_BLOCK = 3600.0
LONGEST_OUTAGE_WAIT = 60.0
_NOTIFIES = re.compile(r"/(pulls|issues|comments|reviews)$")


class Budget:
    """The budget of one identity: an installation, or the App itself. Shared by all threads of the process."""

    def __init__(
        self,
        name: str,
        *,
        spaced: bool = True,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`name` is the metrics' label; `spaced` says whether GitHub limits writes; `clock` in seconds since 1970."""
        self.name, self._spaced = name, spaced
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._limit = self._left = 0
        self._reset = 0.0
        self._blocked_until = 0.0
        self._blocks = 0  # in a row, by secondary limits that named no time
        self._outages = 0  # in a row
        self._free_at = 0.0  # when the bucket of writes is full again
        self._notified: deque[float] = deque()

    # -- before a piece of work, and before a write ---------------------------------------------------------

    def admit(self, *, urgent: bool = False) -> None:
        """RetryLater when work should not begin now. `urgent` is what a person asked for: it may use the reserve."""
        with self._lock:
            now = self._clock()
            if self._blocked_until > now:
                raise RetryLater("GitHub asked this installation to wait", seconds=self._blocked_until - now)
            if self._limit and self._reset > now:
                kept = 0 if urgent else int(self._limit * RESERVED)
                if self._left <= kept:
                    metrics.DEFERRALS.inc(why=DeferralReason.RESERVE if self._left else DeferralReason.PRIMARY)
                    raise RetryLater(
                        f"{self._left} of {self._limit} requests are left of this hour"
                        + ("" if urgent else ", kept for people's commands"),
                        seconds=self._reset - now + 1,
                    )
            behind = self._free_at - now - BURST
            if behind > SLEPT_FOR_SPACE and not urgent:
                metrics.DEFERRALS.inc(why=DeferralReason.SPACING)
                raise RetryLater("writes of this installation are spaced out", seconds=behind)

    def space_write(self, path: str) -> None:
        """Before a write: wait for its turn, or RetryLater when that would be long."""
        if not self._spaced:
            return
        with self._lock:
            now = self._clock()
            if _NOTIFIES.search(path):
                while self._notified and self._notified[0] < now - 3600:
                    self._notified.popleft()
                if len(self._notified) >= NOTIFYING_PER_HOUR:
                    metrics.DEFERRALS.inc(why=DeferralReason.SPACING)
                    wait = self._notified[0] + 3600 - now
                    raise RetryLater(f"{NOTIFYING_PER_HOUR} notifications were sent within an hour", seconds=wait)
            free_at = max(self._free_at, now) + 1
            wait = free_at - now - BURST
            if wait > SLEPT_FOR_SPACE * 4:
                metrics.DEFERRALS.inc(why=DeferralReason.SPACING)
                raise RetryLater("writes of this installation are spaced out", seconds=wait)
            self._free_at = free_at
            if _NOTIFIES.search(path):
                self._notified.append(now)
        if wait > 0:
            metrics.SPACING_SECONDS.inc(wait)
            self._sleep(wait)

    # -- after an answer ------------------------------------------------------------------------------------

    def observe(self, headers: Mapping[str, str]) -> None:
        """Note an answer that came, with its headers in lower case."""
        with self._lock:
            self._outages = 0
            limit, left, reset = (headers.get(f"x-ratelimit-{what}", "") for what in ("limit", "remaining", "reset"))
            if headers.get("x-ratelimit-resource", "core") != "core" or not (limit + left + reset).isdigit():
                return
            if not (limit and left and reset):
                return
            self._limit, self._left, self._reset = int(limit), int(left), float(reset)
            metrics.BUDGET.set(self._limit, installation=self.name)
            metrics.BUDGET_LEFT.set(self._left, installation=self.name)
            metrics.BUDGET_RESET.set(self._reset, installation=self.name)

    def note_success(self) -> None:
        """A request was carried out."""
        with self._lock:
            self._blocks = 0

    def limited(self, what: str, headers: Mapping[str, str], said: str) -> RetryLater:
        """What to raise for an answer that speaks of a limit; everybody of this installation waits."""
        with self._lock:
            now = self._clock()
            told = headers.get("retry-after", "")
            exhausted = headers.get("x-ratelimit-remaining") == "0"
            if told.isdigit():
                wait = max(1.0, float(told))
            elif exhausted and headers.get("x-ratelimit-reset", "").isdigit():
                wait = max(1.0, float(headers["x-ratelimit-reset"]) - now + 1)
            else:
                wait = min(60.0 * 2**self._blocks, LONGEST_BLOCK)
                self._blocks += 1
            self._blocked_until = max(self._blocked_until, now + wait)
            metrics.DEFERRALS.inc(why=DeferralReason.PRIMARY if exhausted else DeferralReason.SECONDARY)
            return RetryLater(f"GitHub asks to wait before {what}: {said}", seconds=wait)

    def outage(self, what: str, happened: str, headers: Mapping[str, str] | None = None) -> RetryLater:
        """What to raise when no usable answer came: soon at first, then less often."""
        with self._lock:
            told = (headers or {}).get("retry-after", "")
            wait = min(5.0 * 2 ** min(self._outages, 10), LONGEST_OUTAGE_WAIT)
            self._outages += 1
            metrics.DEFERRALS.inc(why=DeferralReason.OUTAGE)
            return RetryLater(f"{what}: {happened}", seconds=max(1.0, float(told)) if told.isdigit() else wait)
