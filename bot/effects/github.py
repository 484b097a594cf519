"""The one seam over PyGithub: who we are to GitHub, one request at a time, and GitHub's errors as ours.

PyGithub signs the App's tokens, keeps the connection and raises its exceptions; each call here is exactly one
request (or one page of a list). Its objects are left behind the seam, because reading an attribute of one may
send a request that nobody counts. Its retries are off: they repeat POST (measured, docs/decisions/0003), and
waiting belongs in the inbox, not in a sleeping thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import requests
from github import Auth, Github, GithubException

from bot.errors import BotError, RetryLater
from bot.log import register_secret
from bot.names import InstallationId
from bot.values import Wire

_T = TypeVar("_T")
PAGE = 100  # GitHub's largest page
TIMEOUT = 30  # seconds without an answer
TOKEN_MARGIN = 300  # seconds before a token's end at which a new one is asked for


class GitHubError(BotError):
    """GitHub said no. `status` is the HTTP status, `said` its own message."""

    def __init__(self, what: str, status: int, said: str) -> None:
        super().__init__(f"GitHub refused {what} ({status}): {said}")
        self.status = status
        self.said = said


class NotFound(GitHubError):  # noqa: N818 - absence is often an answer, not an error
    """There is no such thing, or this installation may not see it."""


class Client:
    """Requests to one GitHub as one identity. Not shared between threads: each piece of work gets its own."""

    def __init__(self, api_url: str, auth: Auth.Auth) -> None:
        github = Github(
            base_url=api_url,
            auth=auth,
            retry=None,
            timeout=TIMEOUT,
            seconds_between_requests=0,
            seconds_between_writes=0,
            user_agent="aios-bot",
            lazy=True,
        )
        self._requester = github.requester

    @classmethod
    def with_token(cls, api_url: str, token: str) -> Client:
        """A client that acts with a ready token, such as a workflow job's GITHUB_TOKEN."""
        return cls(api_url, Auth.Token(token))

    def get(self, path: str, kind: type[_T]) -> _T:
        """One GET, its answer as `kind`."""
        return _convert(self._send("GET", path), kind, path)

    def find(self, path: str, kind: type[_T]) -> _T | None:
        """One GET, or None when there is no such thing."""
        try:
            return self.get(path, kind)
        except NotFound:
            return None

    def list(
        self,
        path: str,
        kind: type[_T],
        *,
        within: str | None = None,
        most: int = 1000,
        query: Mapping[str, str] | None = None,
    ) -> tuple[_T, ...]:
        """Every item of a paged list, at most `most`; `within` names the field that holds the items, if any."""
        found: list[_T] = []
        for page in range(1, most // PAGE + 2):
            paging = {"per_page": min(PAGE, most)} | ({"page": page} if page > 1 else {})
            data = self._send("GET", path, parameters={**(query or {}), **paging})
            items = _convert(data[within] if within else data, list[kind], path)  # type: ignore[valid-type]  # kind is a type
            found.extend(items)
            if len(items) < min(PAGE, most) or len(found) >= most:
                break
        return tuple(found[:most])

    def post(self, path: str, kind: type[_T], body: object = None) -> _T:
        """One POST, its answer as `kind`."""
        return _convert(self._send("POST", path, body=body), kind, path)

    def patch(self, path: str, kind: type[_T], body: object) -> _T:
        """One PATCH, its answer as `kind`."""
        return _convert(self._send("PATCH", path, body=body), kind, path)

    def send(self, verb: str, path: str, body: object = None) -> None:
        """One request whose answer does not matter."""
        self._send(verb, path, body=body)

    def _send(
        self, verb: str, path: str, *, parameters: Mapping[str, str | int] | None = None, body: object = None
    ) -> Any:
        what = f"{verb} {path}"
        try:
            _, data = self._requester.requestJsonAndCheck(verb, path, parameters=dict(parameters or {}), input=body)
        except GithubException as problem:
            raise _as_ours(what, problem) from None
        except (requests.RequestException, ConnectionError) as problem:
            raise RetryLater(f"GitHub did not answer {what}: {type(problem).__name__}", seconds=5) from None
        return data


def _convert(data: object, kind: type[_T], path: str) -> _T:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as problem:
        raise RetryLater(f"GitHub's answer from {path} is not what it documents: {problem}", seconds=30) from None


def _as_ours(what: str, problem: GithubException) -> BotError:
    """GitHub's advice on waiting, as it documents it: Retry-After, else the reset time, else a minute."""
    headers = {name.lower(): value for name, value in (problem.headers or {}).items()}
    said = str(problem.data.get("message", "")) if isinstance(problem.data, dict) else ""
    limited = problem.status == 429 or (
        problem.status == 403 and ("retry-after" in headers or "rate limit" in said.lower())
    )
    if limited:
        return RetryLater(f"GitHub asks to wait before {what}: {said}", seconds=_wait(headers))
    if problem.status >= 500 or problem.status in (202, 307):
        return RetryLater(f"GitHub could not do {what} ({problem.status})", seconds=5)
    if problem.status == 401:
        # An installation token that ended early; the next attempt asks for a new one.
        return RetryLater(f"GitHub did not accept our credentials for {what}: {said}", seconds=30)
    return (NotFound if problem.status == 404 else GitHubError)(what, problem.status, _in_full(problem, said))


def _wait(headers: Mapping[str, str]) -> float:
    if headers.get("retry-after", "").isdigit():
        return max(1.0, float(headers["retry-after"]))
    if headers.get("x-ratelimit-remaining") == "0" and headers.get("x-ratelimit-reset", "").isdigit():
        return max(1.0, float(headers["x-ratelimit-reset"]) - time.time() + 1)
    return 60.0


def _in_full(problem: GithubException, said: str) -> str:
    errors = problem.data.get("errors") if isinstance(problem.data, dict) else None
    texts = [str(e.get("message") or e.get("code") or "") if isinstance(e, dict) else str(e) for e in errors or []]
    return "; ".join([said, *filter(None, texts)])[:500]


class _Token(Wire, frozen=True):
    token: str
    expires_at: datetime


class _App(Wire, frozen=True):
    slug: str


class _Installation(Wire, frozen=True):
    id: int
    suspended_at: datetime | None = None


class App:
    """The GitHub App: it knows its installations, and hands out clients that act as one of them."""

    def __init__(self, *, api_url: str, app_id: str, private_key: str) -> None:
        self.api_url = api_url
        self._auth = Auth.AppAuth(app_id, private_key)
        self._tokens: dict[InstallationId, _Token] = {}
        self._login: str | None = None
        self._lock = threading.Lock()

    def client(self) -> Client:
        """A client that acts as the App itself."""
        return Client(self.api_url, self._auth)

    def login(self) -> str:
        """Who GitHub says wrote what we write: the App's name with [bot] behind it."""
        with self._lock:
            if self._login is None:
                self._login = f"{self.client().get('/app', _App).slug}[bot]"
            return self._login

    def token(self, installation: InstallationId) -> str:
        """A token of the installation with at least five minutes left; one is kept for all its work."""
        with self._lock:
            held = self._tokens.get(installation)
            if held is None or held.expires_at.timestamp() - time.time() < TOKEN_MARGIN:
                held = self.client().post(f"/app/installations/{installation}/access_tokens", _Token, {})
                self._tokens[installation] = held
                register_secret(held.token)
            return held.token

    def forget_token(self, installation: InstallationId) -> None:
        """Ask for a new token next time; the one at hand was refused."""
        with self._lock:
            self._tokens.pop(installation, None)

    def as_installation(self, installation: InstallationId) -> Client:
        """A client that acts as the installation."""
        return Client.with_token(self.api_url, self.token(installation))

    def find_installations(self) -> tuple[InstallationId, ...]:
        """Every installation that is not suspended."""
        found = self.client().list("/app/installations", _Installation)
        return tuple(InstallationId(one.id) for one in found if one.suspended_at is None)
