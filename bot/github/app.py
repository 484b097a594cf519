"""The GitHub App: its installations, their tokens and budgets, and clients that act as one of them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from github import Auth

from bot.domain.names import InstallationId, RepoName
from bot.domain.values import Wire
from bot.github.client import Client
from bot.github.connection import metrics
from bot.github.connection.backoff import Backoff
from bot.github.connection.budget import Budget
from bot.github.connection.grants import Grants, Installation
from bot.github.connection.memory import Memory
from bot.github.connection.tokens import Scope, Token, Tokens
from bot.github.connection.transport import HttpTransport, PyGithubSender, SharedTransport
from bot.github.endpoints import repository
from bot.github.errors import GitHubError, NotFound

log = logging.getLogger(__name__)

_LOGIN_SECONDS = 3600  # for which the App's name counts: its owner may rename it


def connect(api_url: str, token: str = "") -> Client:
    """A client that acts with a user's or a job's token; without one, anonymously."""
    return Client(
        PyGithubSender(HttpTransport(api_url), Auth.Token(token) if token else None), Backoff(), token=token
    )


def connect_by_secret(api_url: str, client_id: str, client_secret: str) -> Client:
    """A client that acts as the App by its client secret: for the tokens of users alone."""
    return Client(PyGithubSender(HttpTransport(api_url), Auth.Login(client_id, client_secret)), Backoff())


def _load_key(pem: str) -> PrivateKeyTypes:
    return load_pem_private_key(pem.encode(), password=None)


class _App(Wire, frozen=True):
    slug: str


class App:
    """The App as GitHub knows it. Safe between threads; its clients are not."""

    def __init__(self, *, api_url: str, app_id: str, private_key: str, spaced: bool | None = None) -> None:
        """`spaced`: whether this GitHub limits writes; by default only github.com and ghe.com do."""
        self.api_url = api_url
        self._id = int(app_id)
        host = urlsplit(api_url).hostname or ""
        self._spaced = spaced if spaced is not None else host == "api.github.com" or host.endswith(".ghe.com")
        # Reading and checking the key takes longer than the rest of a request: it is done once. PyJWT takes a key
        # that was read, which PyGithub's types leave out.
        key: Callable[[], Any] = cache(partial(_load_key, private_key))
        self._auth = Auth.AppAuth(app_id, key)
        self._transport = SharedTransport.to(api_url)
        self._own_budget = Budget("app", spaced=False)
        self._budgets: dict[InstallationId, Budget] = {}
        self._tokens = Tokens(self._request_token)
        self._grants = Grants(self._read_installation)
        self._memory = Memory()
        self._login: str | None = None
        self._login_until = 0.0
        self._other_bots: set[str] = set()
        self._lock = threading.Lock()

    def client(self) -> Client:
        """A client that acts as the App itself."""
        return self._connect(self._auth, self._own_budget)

    def login(self) -> str:
        """The author of what we write on GitHub: the App's slug and "[bot]"."""
        if self._login is None or time.monotonic() > self._login_until:
            self._login = f"{self.client().get('/app', _App).slug}[bot]"
            self._login_until = time.monotonic() + _LOGIN_SECONDS
        return self._login

    def is_own(self, login: str) -> bool:
        """Whether an author's login is the App's. One that is no longer as we know it is looked up: names change."""
        if login == self.login():
            return True
        if not login.endswith("[bot]") or login in self._other_bots:
            return False
        self._login = None
        if login == self.login():
            return True
        self._other_bots.add(login)
        return False

    def budget(self, installation: InstallationId) -> Budget:
        """The installation's budget of requests."""
        with self._lock:
            if installation not in self._budgets:
                self._budgets[installation] = Budget(str(installation), spaced=self._spaced)
            return self._budgets[installation]

    def _request_token(self, scope: Scope) -> Token:
        """A new token. When GitHub refuses it (422), one without what is not the installation's, and no less.

        Raises NotFound when the repository that the work is about is not the installation's.
        """
        try:
            return self._post_token(scope)
        except GitHubError as problem:
            if problem.status != 422:
                raise
            refusal = problem
        self._grants.forget(scope.installation)
        granted = scope._replace(permissions=self.installation(scope.installation).within(scope.permissions))
        if scope.repositories:
            lister = self.as_installation(scope.installation, permissions={"metadata": "read"})
            granted = granted.only(one.full_name for one in repository.find_repositories(lister))
            if granted.repositories[:1] != scope.repositories[:1]:
                raise NotFound(f"a token for {scope.repositories[0]}", 404, "the App is not installed there")
        if granted == scope:
            raise refusal
        dropped = [repo for repo in scope.repositories if repo not in granted.repositories]
        without = ", ".join(dropped) or "some permissions"
        log.info("a token of installation %d does without %s", scope.installation, without)
        return self._post_token(granted)

    def _post_token(self, scope: Scope) -> Token:
        path = f"/app/installations/{scope.installation}/access_tokens"
        made = self.client().post(path, Token, scope.body())
        metrics.TOKENS.inc()
        return made

    def _read_installation(self, number: InstallationId) -> Installation:
        return self.client().get(f"/app/installations/{number}", Installation)

    def installation(self, number: InstallationId) -> Installation:
        """What the account granted, as GitHub tells it; at most an hour old."""
        return self._grants.get(number)

    def as_installation(
        self,
        installation: InstallationId,
        *,
        repositories: Iterable[RepoName] = (),
        permissions: Mapping[str, str] | None = None,
    ) -> Client:
        """A client that acts as the installation, with these permissions on these repositories, all by default.

        Of the permissions, those that the account granted. The first repository is the one that the work is about.
        """
        rights = self.installation(installation).within(permissions) if permissions else ()
        scope = Scope(installation, tuple(dict.fromkeys(repositories)), rights)
        token = self._tokens.get(scope)
        return self._connect(
            Auth.Token(token),
            self.budget(installation),
            token=token,
            on_unauthorized=lambda: self._tokens.forget(scope),
        )

    def renew(self, installation: InstallationId) -> None:
        """Have the next client see which repositories and permissions the installation was given since."""
        self._grants.forget(installation)
        self._tokens.forget_all(installation)

    def find_installations(self) -> tuple[InstallationId, ...]:
        """Every installation that is not suspended."""
        found = self.client().list("/app/installations", Installation)
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
            memory=self._memory,
        )
