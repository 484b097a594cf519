"""Installation tokens: narrowed to the work at hand, kept until shortly before they expire, hidden from the log."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

from bot.domain.names import InstallationId, RepoName
from bot.domain.values import Wire
from bot.observability.log import forget_secret, register_secret

MARGIN = 300  # seconds before a token expires at which a new one is requested


class Token(Wire, frozen=True):
    """An installation token."""

    token: str
    expires_at: datetime

    @property
    def life(self) -> float:
        """Seconds left."""
        return self.expires_at.timestamp() - time.time()


class Scope(NamedTuple):
    """What a token may do. Without repositories all of the installation's, without permissions all that it has."""

    installation: InstallationId
    repositories: tuple[RepoName, ...] = ()  # the first one is what the work is about
    permissions: tuple[tuple[str, str], ...] = ()

    def body(self) -> dict[str, object]:
        """The request's body. Only repositories of the installation's own account may be named."""
        owner = self.repositories[0].split("/")[0].lower() if self.repositories else ""
        names = [repo.split("/")[1] for repo in self.repositories if repo.split("/")[0].lower() == owner]
        return ({"repositories": names} if names else {}) | (
            {"permissions": dict(self.permissions)} if self.permissions else {}
        )

    def only(self, present: Iterable[str]) -> Scope:
        """This scope without the repositories that are not among `present`, the installation's."""
        names = {name.lower() for name in present}
        return self._replace(repositories=tuple(repo for repo in self.repositories if repo.lower() in names))


class Tokens:
    """The tokens in use. Safe between threads; for one scope only one is requested at a time."""

    def __init__(self, request: Callable[[Scope], Token]) -> None:
        self._request = request
        self._kept: dict[Scope, Token] = {}
        self._requesting: dict[Scope, threading.Lock] = {}
        self._hidden: list[Token] = []
        self._lock = threading.Lock()

    def get(self, scope: Scope) -> str:
        """A token for `scope` with at least five minutes left; one serves all work of the same scope."""
        with self._lock:
            requesting = self._requesting.setdefault(scope, threading.Lock())
        with requesting:
            held = self._kept.get(scope)
            if held is None or held.life < MARGIN:
                held = self._request(scope)
                register_secret(held.token)
                with self._lock:
                    self._clean_up()
                    self._kept[scope] = held
                    self._hidden.append(held)
            return held.token

    def forget(self, scope: Scope) -> None:
        """Request a new token next time: the current one was refused."""
        with self._lock:
            self._kept.pop(scope, None)

    def forget_all(self, installation: InstallationId) -> None:
        """Forget those of `installation`: they may not reach what it was given since."""
        with self._lock:
            for scope in [scope for scope in self._kept if scope.installation == installation]:
                del self._kept[scope]

    def _clean_up(self) -> None:
        self._kept = {scope: token for scope, token in self._kept.items() if token.life > 0}
        for token in self._hidden:
            if token.life <= 0:
                forget_secret(token.token)
        self._hidden = [token for token in self._hidden if token.life > 0]
