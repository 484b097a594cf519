"""How many requests an installation has left, by GitHub's own headers, and which work has to wait.

Sources: GitHub's "Rate limits for the REST API" and "Best practices for using the REST API": 5,000 requests an
hour and more, about 80 writes a minute and 500 an hour of those that notify people. Waiting is the queue's, except
for a few seconds between writes.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Mapping

from bot.domain.errors import RetryLater
from bot.github.connection import metrics
from bot.github.connection.backoff import Backoff, is_exhausted
from bot.github.connection.metrics import DeferralReason
from bot.github.errors import BudgetSpent, Unavailable

RESERVED = 0.1  # of the hour's requests, for people's commands
BURST = 20  # writes at once; with one a second after them no minute has more than 80
SLEPT_FOR_SPACE = 5.0  # seconds that a job sleeps before its next write; a longer wait is the queue's
NOTIFYING_PER_HOUR = 450  # GitHub's limit is about 500
_NOTIFIES = re.compile(r"/(pulls|issues|comments|reviews)$")


class Budget(Backoff):
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
        super().__init__(clock=clock)
        self.name, self._spaced = name, spaced
        self._sleep = sleep
        self._limit = self._left = 0
        self._reset = 0.0
        self._blocked_until = 0.0
        self._free_at = 0.0  # when the bucket of writes is full again
        self._notified: deque[float] = deque()

    def admit(self, *, urgent: bool = False) -> None:
        """RetryLater when a job should not begin now. An `urgent` one, for a command, may use the reserve."""
        with self._lock:
            now = self._clock()
            if self._blocked_until > now:
                raise RetryLater("GitHub asked this installation to wait", seconds=self._blocked_until - now)
            if self._limit and self._reset > now:
                kept = 0 if urgent else int(self._limit * RESERVED)
                if self._left <= kept:
                    metrics.DEFERRALS.inc(why=DeferralReason.RESERVE if self._left else DeferralReason.PRIMARY)
                    raise BudgetSpent(
                        f"{self._left} of {self._limit} requests are left of this hour"
                        + ("" if urgent else ", kept for people's commands"),
                        seconds=self._reset - now + 1,
                    )
            behind = self._free_at - now - BURST
            if behind > SLEPT_FOR_SPACE and not urgent:
                metrics.DEFERRALS.inc(why=DeferralReason.SPACING)
                raise RetryLater("writes of this installation are spaced out", seconds=behind)

    def space_write(self, path: str) -> None:
        """Sleep until a write to `path` may be sent, or RetryLater when that would be long."""
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

    def observe(self, headers: Mapping[str, str]) -> None:
        """Note the budget in a response's headers (names in lower case)."""
        with self._lock:
            self._outages = 0  # GitHub responds: what fails now is one request of many
            limit, left, reset = (headers.get(f"x-ratelimit-{what}", "") for what in ("limit", "remaining", "reset"))
            if headers.get("x-ratelimit-resource", "core") != "core" or not (limit + left + reset).isdigit():
                return
            if not (limit and left and reset):
                return
            self._limit, self._left = int(limit), int(left)
            self._reset = float(reset) + self.skew(headers)  # by our own clock
            metrics.BUDGET.set(self._limit, installation=self.name)
            metrics.BUDGET_LEFT.set(self._left, installation=self.name)
            metrics.BUDGET_RESET.set(self._reset, installation=self.name)

    def read_left(self) -> tuple[int, int, int]:
        """Requests that are left, of how many, and when there are new ones (seconds since 1970); zeros: not known."""
        with self._lock:
            return self._left, self._limit, int(self._reset)

    def limited(self, request: str, headers: Mapping[str, str], message: str) -> RetryLater:
        """The error for a response that speaks of a rate limit; all work of this installation waits."""
        later = super().limited(request, headers, message)
        with self._lock:
            self._blocked_until = max(self._blocked_until, self._clock() + later.seconds)
            reason = DeferralReason.PRIMARY if is_exhausted(headers) else DeferralReason.SECONDARY
            metrics.DEFERRALS.inc(why=reason)
        return later

    def outage(self, request: str, happened: str, headers: Mapping[str, str] | None = None) -> Unavailable:
        """The error when no usable response came: a short wait at first, then longer ones."""
        metrics.DEFERRALS.inc(why=DeferralReason.OUTAGE)
        return super().outage(request, happened, headers)
