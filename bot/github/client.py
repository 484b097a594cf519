"""The one seam over PyGithub: who we are to GitHub, one request at a time, and GitHub's errors as ours.

PyGithub signs the App's tokens, builds the requests and reads the answers' form; each call here is exactly one
request (or one page of a list). Its objects are left behind the seam, because reading an attribute of one may
send a request that nobody counts. Its retries are off: they repeat POST (docs/decisions), and waiting belongs in
the inbox, not in a sleeping thread. Who has to wait is said by budget.py; etags.py makes looking again free.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import msgspec
import requests
from github import Auth, Github
from requests.utils import parse_header_links

from bot.domain.errors import BotError, RetryLater
from bot.domain.names import InstallationId, RepoName
from bot.domain.values import Wire as WireValue
from bot.github.connection import metrics
from bot.github.connection.budget import Budget
from bot.github.connection.etags import Etags, Kept
from bot.github.connection.tokens import Scope, Token, Tokens
from bot.github.connection.wire import Wire

_T = TypeVar("_T")
PAGE = 100  # GitHub's largest page
TIMEOUT = 30  # seconds without an answer
_HOPS = 3  # redirects followed for one request


class GitHubError(BotError):
    """GitHub said no. `status` is the HTTP status, `said` its own message."""

    def __init__(self, what: str, status: int, said: str) -> None:
        super().__init__(f"GitHub refused {what} ({status}): {said}")
        self.status = status
        self.said = said


class NotFound(GitHubError):  # noqa: N818 - absence is often an answer, not an error
    """There is no such thing, or this installation may not see it."""


@dataclass(frozen=True)
class Line:
    """What clients of one GitHub share."""

    wire: Wire
    etags: Etags


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]  # names in lower case
    text: str


class Client:
    """Requests to one GitHub as one identity. Not shared between threads: each piece of work gets its own."""

    def __init__(
        self,
        api_url: str,
        auth: Auth.Auth | None,
        *,
        line: Line | None = None,
        budget: Budget | None = None,
        token: str = "",
        refused: Callable[[], None] = lambda: None,
    ) -> None:
        """`token` is what git authenticates with; `refused` is called when GitHub does not know us (any more)."""
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
        self.token = token
        self._requester = github.requester
        self._line = line or Line(Wire(api_url, timeout=TIMEOUT), Etags())
        self._budget = budget or Budget("", spaced=False)
        self._refused = refused

    @classmethod
    def with_token(cls, api_url: str, token: str) -> Client:
        """A client that acts with a ready token, such as a workflow job's GITHUB_TOKEN."""
        return cls(api_url, Auth.Token(token), token=token)

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

    def page(self, path: str, kind: type[_T]) -> tuple[tuple[_T, ...], str | None]:
        """One page of a list that is read by cursor, and the path of the next one."""
        data, headers = self._send_whole("GET", path)
        following = parse_header_links(headers.get("link", ""))
        after = next((link["url"] for link in following if link.get("rel") == "next"), None)
        return tuple(_convert(data, list[kind], path)), after  # type: ignore[valid-type]  # kind is a type

    def post(self, path: str, kind: type[_T], body: object = None) -> _T:
        """One POST, its answer as `kind`."""
        return _convert(self._send("POST", path, body=body), kind, path)

    def patch(self, path: str, kind: type[_T], body: object) -> _T:
        """One PATCH, its answer as `kind`."""
        return _convert(self._send("PATCH", path, body=body), kind, path)

    def send(self, verb: str, path: str, body: object = None) -> None:
        """One request whose answer does not matter."""
        self._send(verb, path, body=body)

    def ask(self, query: str, kind: type[_T], **variables: object) -> _T:
        """One GraphQL request, its `data` as `kind`. For what REST does not have."""
        answer = self._send("POST", self._requester.graphql_url, body={"query": query, "variables": variables})
        if not isinstance(answer, dict) or answer.get("errors"):
            errors = answer.get("errors") if isinstance(answer, dict) else None
            kinds = {str(error.get("type", "")) for error in errors or [] if isinstance(error, dict)}
            said = _in_full({"errors": errors}, "")
            if "RATE_LIMITED" in kinds:
                raise RetryLater(f"GitHub asks to wait before a GraphQL request: {said}", seconds=60)
            raise (NotFound if kinds == {"NOT_FOUND"} else GitHubError)("a GraphQL request", 200, said)
        return _convert(answer.get("data"), kind, "GraphQL")

    def _send(
        self, verb: str, path: str, *, parameters: Mapping[str, str | int] | None = None, body: object = None
    ) -> Any:
        return self._send_whole(verb, path, parameters=parameters, body=body)[0]

    def _send_whole(
        self, verb: str, path: str, *, parameters: Mapping[str, str | int] | None = None, body: object = None
    ) -> tuple[Any, Mapping[str, str]]:
        what = f"{verb} {path}"
        if verb != "GET":
            self._budget.space_write(path)
        url = path + (f"?{json.dumps(parameters, sort_keys=True)}" if parameters else "")
        kept = self._line.etags.find(self._budget.name, url) if verb == "GET" else None
        answer = self._exchange(
            verb,
            path,
            parameters=parameters,
            body=body,
            headers={"If-None-Match": kept.etag} if kept else {},
        )
        if answer.status == 304 and kept is not None:
            return json.loads(kept.text), {"link": kept.link}
        if not 200 <= answer.status < 300 or (answer.status == 202 and verb == "GET"):
            raise self._as_ours(what, answer)
        self._budget.note_success()
        try:
            data = json.loads(answer.text) if answer.text else None
        except ValueError:
            raise self._budget.outage(what, "GitHub's answer is broken off") from None
        if verb == "GET" and answer.headers.get("etag"):
            self._line.etags.keep(
                self._budget.name, url, Kept(answer.headers["etag"], answer.text, answer.headers.get("link", ""))
            )
        return data, answer.headers

    def _exchange(
        self,
        verb: str,
        path: str,
        *,
        parameters: Mapping[str, str | int] | None,
        body: object,
        headers: dict[str, str],
    ) -> _Answer:
        """One request, and again where a redirect leads (a renamed repository), with the same verb and body."""
        what = f"{verb} {path}"
        for _hop in range(_HOPS + 1):
            exchange = self._line.wire.exchange()
            try:
                self._requester.requestJson(
                    verb,
                    path,
                    parameters=dict(parameters or {}),
                    headers=dict(headers),
                    input=body,
                    cnx=exchange,  # type: ignore[arg-type]  # a connection by its methods
                )
            except (requests.RequestException, ConnectionError) as problem:
                metrics.REQUESTS.inc(method=verb, status="none")
                raise self._budget.outage(what, f"GitHub did not answer ({type(problem).__name__})") from None
            status = exchange.answer.status_code
            metrics.REQUESTS.inc(method=verb, status="304" if status == 304 else f"{status // 100}xx")
            answer = _Answer(status, {name.lower(): text for name, text in exchange.getheaders()}, exchange.read())
            self._budget.observe(answer.headers)
            if status not in (301, 302, 307, 308) or "location" not in answer.headers:
                return answer
            target = urlsplit(answer.headers["location"])
            if f"{target.scheme}://{target.netloc}" != self._line.wire.origin:
                raise GitHubError(what, status, f"a redirect to another server, {target.netloc[:100]}")
            path, parameters = answer.headers["location"], None
        raise self._budget.outage(what, "one redirect leads to the next")

    def _as_ours(self, what: str, answer: _Answer) -> BotError:
        """GitHub's no as an error; as RetryLater where trying again later helps."""
        try:
            data = json.loads(answer.text)
        except ValueError:
            data = None
        said = str(data.get("message", "")) if isinstance(data, dict) else ""
        limited = answer.status == 429 or (
            answer.status == 403
            and (
                "retry-after" in answer.headers
                or answer.headers.get("x-ratelimit-remaining") == "0"
                or "rate limit" in said.lower()
            )
        )
        if limited:
            return self._budget.limited(what, answer.headers, said)
        if answer.status >= 500 or answer.status in (202, 301, 302, 304, 307, 308):
            return self._budget.outage(what, f"GitHub could not do it ({answer.status})", answer.headers)
        if answer.status == 401:
            self._refused()  # a token that ended early: the next attempt asks for a new one
            return RetryLater(f"GitHub did not accept our credentials for {what}: {said}", seconds=2)
        return (NotFound if answer.status == 404 else GitHubError)(what, answer.status, _in_full(data, said))


def _convert(data: object, kind: type[_T], path: str) -> _T:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as problem:
        raise RetryLater(f"GitHub's answer from {path} is not what it documents: {problem}", seconds=30) from None


def _in_full(data: object, said: str) -> str:
    errors = data.get("errors") if isinstance(data, dict) else None
    texts = [str(e.get("message") or e.get("code") or "") if isinstance(e, dict) else str(e) for e in errors or []]
    return "; ".join([said, *filter(None, texts)])[:500]


class _App(WireValue, frozen=True):
    slug: str


class _Installation(WireValue, frozen=True):
    id: int
    suspended_at: datetime | None = None


class App:
    """The GitHub App: it knows its installations, and hands out clients that act as one of them."""

    def __init__(self, *, api_url: str, app_id: str, private_key: str, spaced: bool | None = None) -> None:
        """`spaced`: whether this GitHub limits writes; by default github.com does, a server of one's own does not."""
        self.api_url = api_url
        host = urlsplit(api_url).hostname or ""
        self._spaced = spaced if spaced is not None else host == "api.github.com" or host.endswith(".ghe.com")
        self._auth = Auth.AppAuth(app_id, private_key)
        self._line = Line(Wire(api_url, timeout=TIMEOUT), Etags())
        self._own_budget = Budget("app", spaced=False)
        self._budgets: dict[InstallationId, Budget] = {}
        self._tokens = Tokens(self._ask_for_token)
        self._login: str | None = None
        self._lock = threading.Lock()

    def client(self) -> Client:
        """A client that acts as the App itself."""
        return Client(self.api_url, self._auth, line=self._line, budget=self._own_budget)

    def login(self) -> str:
        """Who GitHub says wrote what we write: the App's name with [bot] behind it."""
        if self._login is None:
            self._login = f"{self.client().get('/app', _App).slug}[bot]"
        return self._login

    def budget(self, installation: InstallationId) -> Budget:
        """What the installation may still ask for."""
        with self._lock:
            if installation not in self._budgets:
                self._budgets[installation] = Budget(str(installation), spaced=self._spaced)
            return self._budgets[installation]

    def _ask_for_token(self, scope: Scope) -> Token:
        """A new token; of the wider scopes where GitHub does not grant this one (422)."""
        path = f"/app/installations/{scope.installation}/access_tokens"
        refused: GitHubError | None = None
        for asked in scope.wider():
            try:
                made = self.client().post(path, Token, asked.asked())
            except GitHubError as problem:
                if problem.status != 422:
                    raise
                refused = problem
                continue
            metrics.TOKENS.inc()
            return made
        raise refused or AssertionError("a scope has at least one way to be asked for")

    def as_installation(
        self,
        installation: InstallationId,
        *,
        repositories: Iterable[RepoName] = (),
        permissions: Mapping[str, str] | None = None,
    ) -> Client:
        """A client that acts as the installation, for these repositories (the first is the work's own) and rights."""
        scope = Scope(installation, tuple(dict.fromkeys(repositories)), tuple(sorted((permissions or {}).items())))
        token = self._tokens.get(scope)
        return Client(
            self.api_url,
            Auth.Token(token),
            line=self._line,
            budget=self.budget(installation),
            token=token,
            refused=lambda: self._tokens.forget(scope),
        )

    def renew(self, installation: InstallationId) -> None:
        """Let the next client for all repositories of the installation see those that it was given since."""
        self._tokens.forget_wide(installation)

    def find_installations(self) -> tuple[InstallationId, ...]:
        """Every installation that is not suspended."""
        found = self.client().list("/app/installations", _Installation)
        return tuple(InstallationId(one.id) for one in found if one.suspended_at is None)
