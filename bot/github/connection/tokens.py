"""Installation tokens: narrowed to the work at hand, kept until shortly before their end, hidden from the log."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from bot.domain.names import InstallationId, RepoName
from bot.domain.values import Wire
from bot.observability.log import forget_secret, register_secret

MARGIN = 300  # seconds before a token's end at which a new one is asked for


class Token(Wire, frozen=True):
    """A token as GitHub gives it."""

    token: str
    expires_at: datetime

    @property
    def life(self) -> float:
        """Seconds left."""
        return self.expires_at.timestamp() - time.time()


class Scope(NamedTuple):
    """What a token is for. Without repositories all of the installation's, without permissions all that it has."""

    installation: InstallationId
    repositories: tuple[RepoName, ...] = ()  # the first one is what the work is about
    permissions: tuple[tuple[str, str], ...] = ()

    def asked(self) -> dict[str, object]:
        """The request's body. Only repositories of the installation's own account may be named."""
        owner = self.repositories[0].split("/")[0].lower() if self.repositories else ""
        names = [repo.split("/")[1] for repo in self.repositories if repo.split("/")[0].lower() == owner]
        return ({"repositories": names} if names else {}) | (
            {"permissions": dict(self.permissions)} if self.permissions else {}
        )

    def wider(self) -> tuple[Scope, ...]:
        """What to ask for when GitHub does not grant exactly this, each within what the installation has."""
        alone = self._replace(repositories=self.repositories[:1])
        return tuple(dict.fromkeys((self, alone, alone._replace(permissions=()))))


class Tokens:
    """The tokens at hand. Safe between threads; of one scope only one is asked for at a time."""

    def __init__(self, ask: Callable[[Scope], Token]) -> None:
        self._ask = ask
        self._kept: dict[Scope, Token] = {}
        self._asking: dict[Scope, threading.Lock] = {}
        self._hidden: list[Token] = []
        self._lock = threading.Lock()

    def get(self, scope: Scope) -> str:
        """A token for `scope` with at least five minutes left; one serves all work of the same scope."""
        with self._lock:
            asking = self._asking.setdefault(scope, threading.Lock())
        with asking:
            held = self._kept.get(scope)
            if held is None or held.life < MARGIN:
                held = self._ask(scope)
                register_secret(held.token)
                with self._lock:
                    self._clean_up()
                    self._kept[scope] = held
                    self._hidden.append(held)
            return held.token

    def forget(self, scope: Scope) -> None:
        """Ask for a new token next time; the one at hand was refused."""
        with self._lock:
            self._kept.pop(scope, None)

    def forget_wide(self, installation: InstallationId) -> None:
        """Forget those for all repositories: they may not reach one that was given to the installation since."""
        with self._lock:
            wide = [scope for scope in self._kept if scope.installation == installation and not scope.repositories]
            for scope in wide:
                del self._kept[scope]

    def _clean_up(self) -> None:
        self._kept = {scope: token for scope, token in self._kept.items() if token.life > 0}
        for token in self._hidden:
            if token.life <= 0:
                forget_secret(token.token)
        self._hidden = [token for token in self._hidden if token.life > 0]
