"""What each account granted the App, by GitHub's own installation object.

An account grants less than the App asks for when it is a personal one (organisation permissions are no part of such
an installation), and until its owner has accepted the permissions of a newer version of the App. A token that is
asked for more than was granted is refused as a whole (422).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from bot.domain.names import InstallationId
from bot.domain.values import Wire
from bot.github.manifest import AccessLevel, AppPermission, find_lacking

KEPT = 3600.0  # seconds
KEPT_WHILE_LACKING = 60.0  # another replica may get the event that tells of the owner's acceptance


class Account(Wire, frozen=True):
    """The account that the App is installed in. `type` is "User" or "Organization"."""

    login: str = ""
    type: str = ""


class Installation(Wire, frozen=True):
    """The App in one account. `html_url` is the page where its owner accepts permissions."""

    id: int
    permissions: dict[str, str] = {}
    account: Account | None = None
    html_url: str = ""
    suspended_at: datetime | None = None

    @property
    def lacking(self) -> tuple[AppPermission, ...]:
        """What the bot needs and this account could grant, and has not."""
        personal = self.account is not None and self.account.type == "User"
        return find_lacking(self.permissions, personal=personal)

    def within(self, wanted: Mapping[str, str] | Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Of the permissions `wanted`, what was granted, at the lower of both levels."""
        found = []
        for name, level in sorted(dict(wanted).items()):
            granted = self.permissions.get(name)
            if granted in tuple(AccessLevel):
                found.append((name, level if AccessLevel(granted).covers(AccessLevel(level)) else granted))
        return tuple(found)


class Grants:
    """The installations as last read. Safe between threads."""

    def __init__(
        self, read: Callable[[InstallationId], Installation], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`read` requests one from GitHub; `clock` counts seconds."""
        self._read = read
        self._clock = clock
        self._kept: dict[InstallationId, tuple[float, Installation]] = {}
        self._lock = threading.Lock()

    def get(self, number: InstallationId) -> Installation:
        """The installation, at most an hour old; at most a minute while it lacks a permission."""
        with self._lock:
            read_at, held = self._kept.get(number, (0.0, None))
        if held is not None and self._clock() - read_at < (KEPT_WHILE_LACKING if held.lacking else KEPT):
            return held
        found = self._read(number)
        with self._lock:
            self._kept[number] = (self._clock(), found)
        return found

    def forget(self, number: InstallationId) -> None:
        """Read it again the next time: it changed."""
        with self._lock:
            self._kept.pop(number, None)
