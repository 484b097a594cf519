"""Typed requests to GitHub's REST and GraphQL API.

Each call is one HTTP request, or one page of a list. Its response becomes a value of the type that the caller names,
or an error: RetryLater when the same request may succeed later, else GitHubError. An identical GET is conditional,
and costs nothing while nothing changed. Nothing is retried and nobody sleeps here: waiting is the queue's.
"""

from __future__ import annotations

import itertools
import json
import logging
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar
from urllib.parse import urljoin, urlsplit

import msgspec
import requests
from requests.utils import parse_header_links

from bot.domain.errors import BotError, RetryLater
from bot.github.connection.backoff import Backoff, is_exhausted
from bot.github.connection.etags import CachedResponse, Etags
from bot.github.connection.memory import Memory
from bot.github.errors import CredentialsRefused, GitHubError, NotFound

log = logging.getLogger(__name__)

_T = TypeVar("_T")
PAGE = 100  # GitHub's largest page
_MOST = 10_000  # items of a list of which every item is wanted
_READINGS = 3  # of a list that changes meanwhile
_PAUSE = 5  # seconds
_MAX_REDIRECTS = 3
_DENIALS = (403, 404, 410, 451)  # with a page instead of JSON they are of a proxy on the way, and say nothing
_REDIRECTS = (301, 302, 307, 308)
_BROKEN_QUERY = "Something went wrong while executing your query"  # GraphQL's word, with 200, for a server error
_TOO_QUICKLY = "was submitted too quickly"  # 422, for one content too many within seconds
_SLOWER = 60  # seconds
_LONGEST = 200  # characters of what GitHub says when it could not do something
_LIMITED = re.compile(r"rate limit|abuse detection", re.IGNORECASE)  # what secondary limits say, now and before


class Response(NamedTuple):
    """What GitHub sent. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str


class Sender(Protocol):
    """Sends single HTTP requests as one identity. `origin` is the server's scheme and host."""

    origin: str
    graphql_url: str

    def send(
        self,
        verb: str,
        path: str,
        *,
        parameters: Mapping[str, str | int],
        headers: Mapping[str, str],
        body: object,
    ) -> Response:
        """One HTTP request to `path` ("/repos/..."), or to the path of a URL of the same server.

        Follows no redirect. Raises requests' exceptions and ConnectionError when no response came.
        """


class Client:
    """Requests to one GitHub as one identity. Not shared between threads: each job gets its own.

    client = app.as_installation(installation, repositories=[repo])
    pull = client.get(f"/repos/{repo}/pulls/7", Pull)
    """

    def __init__(
        self,
        sender: Sender,
        backoff: Backoff,
        *,
        name: str = "",
        etags: Etags | None = None,
        token: str = "",
        app_id: int | None = None,
        on_unauthorized: Callable[[], None] = lambda: None,
        memory: Memory | None = None,
    ) -> None:
        """`name` tells this identity's cached responses apart in `etags`. `token` is what git authenticates with.

        `app_id` is the App's that this identity is an installation of; None when it is none.

        `on_unauthorized` is called when GitHub does not accept the credentials (any more).
        """
        self.token = token
        self.app_id = app_id
        self.memory = memory or Memory()
        self._sender = sender
        self._backoff = backoff
        self._name = name
        self._etags = etags or Etags()
        self._on_unauthorized = on_unauthorized

    def get(self, path: str, kind: type[_T]) -> _T:
        """One GET, its response as `kind`."""
        return _convert(self._request("GET", path)[0], kind, path)

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
        most: int | None = None,
        query: Mapping[str, str] | None = None,
    ) -> tuple[_T, ...]:
        """Every item of a paged list, or its first `most`; `within` names the field that holds the items, if any.

        Pages are counted, not named: what goes or comes while they are read moves every item behind it, and one
        would be left out or come twice. So each page is read again after the next one, which costs nothing as long
        as it is the same; and the whole list is, when it is not. Raises RetryLater where that never ends.
        """
        for _ in range(_READINGS):
            found = self._read_list(path, kind, within=within, most=most, query=query or {})
            if found is not None:
                return found
        raise RetryLater(f"GET {path}: the list changes while it is read", seconds=_PAUSE)

    def _read_list(
        self, path: str, kind: type[_T], *, within: str | None, most: int | None, query: Mapping[str, str]
    ) -> tuple[_T, ...] | None:
        """The list, or None when it was another one in between."""
        wanted = most or _MOST
        size = min(PAGE, wanted)

        def read(page: int) -> tuple[Any, bool]:
            paging = {"per_page": size} | ({"page": page} if page > 1 else {})
            data, headers = self._request("GET", path, parameters={**query, **paging})
            if within:
                data = data.get(within) if isinstance(data, dict) else None
            return data, _next_page(headers) is not None

        found: list[_T] = []
        before: Any = None
        for page in itertools.count(1):
            data, follows = read(page)
            if page > 1 and read(page - 1)[0] != before:
                return None
            before = data
            found.extend(_convert(data, list[kind], path))  # type: ignore[valid-type]  # kind is a type
            # GitHub leaves out of a page what the reader may not see: only its Link header tells the last one.
            if len(found) >= wanted or not (follows or len(data) >= size):
                break
        if most is None and follows and len(found) >= wanted:
            log.warning("GitHub lists more than %d items at %s: the rest is not looked at", wanted, path)
        return tuple(found[:wanted])

    def page(self, path: str, kind: type[_T]) -> tuple[tuple[_T, ...], str | None]:
        """One page of a list that is read by cursor, and the URL of the next one."""
        data, headers = self._request("GET", path)
        after = _next_page(headers)
        return tuple(_convert(data, list[kind], path)), after  # type: ignore[valid-type]  # kind is a type

    def post(self, path: str, kind: type[_T], body: object = None) -> _T:
        """One POST, its response as `kind`."""
        return _convert(self._request("POST", path, body=body)[0], kind, path)

    def send(self, verb: str, path: str, body: object = None) -> None:
        """One request whose response does not matter."""
        self._request(verb, path, body=body)

    def graphql(self, query: str, kind: type[_T], **variables: object) -> _T:
        """One GraphQL request, its `data` as `kind`. For what REST does not have."""
        data, headers = self._request("POST", self._sender.graphql_url, body={"query": query, "variables": variables})
        if not isinstance(data, dict) or data.get("errors"):
            errors = data.get("errors") if isinstance(data, dict) else None
            kinds = {str(error.get("type", "")) for error in errors or [] if isinstance(error, dict)}
            message = _join_messages("", {"errors": errors})
            if "RATE_LIMITED" in kinds:
                raise RetryLater(f"GitHub asks to wait before a GraphQL request: {message}", seconds=60)
            if _LIMITED.search(message):
                raise self._backoff.limited("a GraphQL request", headers, message)
            if _BROKEN_QUERY in message:
                raise self._backoff.outage("a GraphQL request", message)
            raise (NotFound if kinds == {"NOT_FOUND"} else GitHubError)("a GraphQL request", 200, message)
        return _convert(data.get("data"), kind, "GraphQL")

    def _request(
        self, verb: str, path: str, *, parameters: Mapping[str, str | int] | None = None, body: object = None
    ) -> tuple[Any, Mapping[str, str]]:
        """The JSON of the response, and its headers; those of the cached one when it is still valid."""
        request = f"{verb} {path}"
        if verb != "GET":
            self._backoff.space_write(path)
        url = path + (f"?{json.dumps(parameters, sort_keys=True)}" if parameters else "")
        cached = self._etags.find(self._name, url) if verb == "GET" else None
        response = self._send(
            verb,
            path,
            parameters=parameters or {},
            headers={"If-None-Match": cached.etag} if cached else {},
            body=body,
        )
        if response.status == 304 and cached is not None:
            self._backoff.note_success()
            return json.loads(cached.text), {"link": response.headers.get("link") or cached.link}
        if not 200 <= response.status < 300 or (response.status == 202 and verb == "GET"):
            raise self._error(request, response)
        self._backoff.note_success()
        try:
            # GitHub says 204 where it has nothing to say: a 200 without a body was lost on its way.
            data = json.loads(response.text) if response.text or (verb, response.status) == ("GET", 200) else None
        except ValueError:
            raise self._backoff.outage(request, "GitHub's response is cut off") from None
        etag = response.headers.get("etag")
        if verb == "GET" and etag:
            kept = CachedResponse(etag, response.text, response.headers.get("link", ""))
            self._etags.keep(self._name, url, kept)
        return data, response.headers

    def _send(
        self,
        verb: str,
        path: str,
        *,
        parameters: Mapping[str, str | int],
        headers: Mapping[str, str],
        body: object,
    ) -> Response:
        """One request, and again where a redirect leads (a renamed repository), with the same verb and body."""
        request = f"{verb} {path}"
        for _ in range(_MAX_REDIRECTS + 1):
            try:
                response = self._sender.send(verb, path, parameters=parameters, headers=headers, body=body)
            except (requests.RequestException, ConnectionError) as problem:
                happened = f"GitHub at {self._sender.origin} did not answer ({type(problem).__name__})"
                raise self._backoff.outage(request, happened) from None
            self._backoff.observe(response.headers)
            if response.status not in _REDIRECTS or "location" not in response.headers:
                return response
            path, parameters = urljoin(self._sender.origin, response.headers["location"]), {}
            target = urlsplit(path)
            if f"{target.scheme}://{target.netloc}" != self._sender.origin:
                raise GitHubError(request, response.status, f"a redirect to another server, {target.netloc[:100]}")
        raise self._backoff.outage(request, "one redirect leads to the next")

    def _error(self, request: str, response: Response) -> BotError:
        """The error for a response that is no success; RetryLater where trying again later helps."""
        status, headers = response.status, response.headers
        try:
            data = json.loads(response.text)
        except ValueError:
            data = None
        message = str(data.get("message", "")) if isinstance(data, dict) else ""
        speaks_of_limit = "retry-after" in headers or is_exhausted(headers) or _LIMITED.search(message) is not None
        if status == 429 or (status == 403 and speaks_of_limit):
            return self._backoff.limited(request, headers, message)
        if status == 422 and _TOO_QUICKLY in _join_messages(message, data):
            return RetryLater(f"GitHub asks to wait before {request}: {_TOO_QUICKLY}", seconds=_SLOWER)
        is_githubs = data is not None or not response.text.strip()
        if status >= 500 or status in (202, 304, *_REDIRECTS) or (status in _DENIALS and not is_githubs):
            words = f": {message}" if message else ""
            return self._backoff.outage(request, f"GitHub could not do it ({status}){words[:_LONGEST]}", headers)
        if status == 401:
            self._on_unauthorized()  # a token that ended early: the next attempt uses a new one
            return self._backoff.refused(request, headers, CredentialsRefused, message)
        return (NotFound if status == 404 else GitHubError)(request, status, _join_messages(message, data))


def _next_page(headers: Mapping[str, str]) -> str | None:
    links = parse_header_links(headers.get("link", ""))
    return next((link["url"] for link in links if link.get("rel") == "next"), None)


def _convert(data: object, kind: type[_T], path: str) -> _T:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as problem:
        raise RetryLater(f"GitHub's answer from {path} is not what it documents: {problem}", seconds=30) from None


def _join_messages(message: str, data: object) -> str:
    """`message` with those of the response's list of errors, at most 500 characters."""
    errors = data.get("errors") if isinstance(data, dict) else None
    texts = [str(e.get("message") or e.get("code") or "") if isinstance(e, dict) else str(e) for e in errors or []]
    return "; ".join(filter(None, [message, *texts]))[:500]
