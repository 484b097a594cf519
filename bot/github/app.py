"""The GitHub App: its installations, their tokens and budgets, and clients that act as one of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from urllib.parse import urlsplit

from github import Auth

from bot.domain.names import InstallationId, RepoName
from bot.domain.values import Wire
from bot.github.client import Client
from bot.github.connection import metrics
from bot.github.connection.backoff import Backoff
from bot.github.connection.budget import Budget
from bot.github.connection.tokens import Scope, Token, Tokens
from bot.github.connection.transport import HttpTransport, PyGithubSender, SharedTransport
from bot.github.errors import GitHubError


def connect(api_url: str, token: str = "") -> Client:
    """A client that acts with a user's or a job's token; without one, anonymously."""
    return Client(
        PyGithubSender(HttpTransport(api_url), Auth.Token(token) if token else None), Backoff(), token=token
    )


class _App(Wire, frozen=True):
    slug: str


class _Installation(Wire, frozen=True):
    id: int
    suspended_at: datetime | None = None


class App:
    """The App as GitHub knows it. Safe between threads; its clients are not."""

    def __init__(self, *, api_url: str, app_id: str, private_key: str, spaced: bool | None = None) -> None:
        """`spaced`: whether this GitHub limits writes; by default only github.com and ghe.com do."""
        self.api_url = api_url
        self._id = int(app_id)
        host = urlsplit(api_url).hostname or ""
        self._spaced = spaced if spaced is not None else host == "api.github.com" or host.endswith(".ghe.com")
        self._auth = Auth.AppAuth(app_id, private_key)
        self._transport = SharedTransport.to(api_url)
        self._own_budget = Budget("app", spaced=False)
        self._budgets: dict[InstallationId, Budget] = {}
        self._tokens = Tokens(self._request_token)
        self._login: str | None = None
        self._lock = threading.Lock()

    def client(self) -> Client:
        """A client that acts as the App itself."""
        return self._connect(self._auth, self._own_budget)

    def login(self) -> str:
        """The author of what we write on GitHub: the App's slug and "[bot]"."""
        if self._login is None:
            self._login = f"{self.client().get('/app', _App).slug}[bot]"
        return self._login

    def budget(self, installation: InstallationId) -> Budget:
        """The installation's budget of requests."""
        with self._lock:
            if installation not in self._budgets:
                self._budgets[installation] = Budget(str(installation), spaced=self._spaced)
            return self._budgets[installation]

    def _request_token(self, scope: Scope) -> Token:
        """A new token; for a wider scope where GitHub does not grant this one (422)."""
        path = f"/app/installations/{scope.installation}/access_tokens"
        refused: GitHubError | None = None
        for attempt in (scope, *scope.wider()):
            try:
                made = self.client().post(path, Token, attempt.body())
            except GitHubError as problem:
                if problem.status != 422:
                    raise
                refused = problem
                continue
            metrics.TOKENS.inc()
            return made
        raise refused or AssertionError("no scope to request a token for")

    def as_installation(
        self,
        installation: InstallationId,
        *,
        repositories: Iterable[RepoName] = (),
        permissions: Mapping[str, str] | None = None,
    ) -> Client:
        """A client that acts as the installation, with these permissions on these repositories, all by default.

        The first repository is the one that the work is about.
        """
        scope = Scope(installation, tuple(dict.fromkeys(repositories)), tuple(sorted((permissions or {}).items())))
        token = self._tokens.get(scope)
        return self._connect(
            Auth.Token(token),
            self.budget(installation),
            token=token,
            on_unauthorized=lambda: self._tokens.forget(scope),
        )

    def renew(self, installation: InstallationId) -> None:
        """Have the next client for all repositories of the installation see those that were added since."""
        self._tokens.forget_wide(installation)

    def find_installations(self) -> tuple[InstallationId, ...]:
        """Every installation that is not suspended."""
        found = self.client().list("/app/installations", _Installation)
        return tuple(InstallationId(one.id) for one in found if one.suspended_at is None)

    def _connect(
        self,
        auth: Auth.Auth,
        budget: Budget,
        *,
        token: str = "",
        on_unauthorized: Callable[[], None] = lambda: None,
    ) -> Client:
        return Client(
            PyGithubSender(self._transport.http, auth),
            budget,
            name=budget.name,
            etags=self._transport.etags,
            token=token,
            app_id=self._id,
            on_unauthorized=on_unauthorized,
        )
