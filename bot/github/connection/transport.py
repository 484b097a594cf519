"""Send requests to GitHub through PyGithub, over one pool of connections that all clients share.

PyGithub authenticates, composes the request and sends it by its own connection class. What it does by itself with
some responses (repeat a GET for ever while it gets 202, drop the query of a redirect) is kept from it: each request
here is one HTTP request, whose response `bot.github.client` judges. docs/decisions/github-one-call-one-request.md
says which parts of PyGithub are used, and why not more.
"""

from __future__ import annotations

import copy
import http.cookiejar
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests
from github import Auth, Github
from github.Requester import HTTPSRequestsConnectionClass, RequestsResponse

from bot.github.client import Response
from bot.github.connection import metrics
from bot.github.connection.etags import Etags

TIMEOUT = 30  # seconds without a response
PINNED = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
"""Sent with every request: what an answer looks like must not depend on the server's default."""
_POOL_SIZE = 16  # connections kept
_ACTED_UPON = (202, 301, 302, 307, 308)  # statuses that PyGithub repeats, follows, or takes for success
_HIDDEN = 599  # what PyGithub gets to see in place of them


class Connection(HTTPSRequestsConnectionClass):
    """PyGithub's connection, for either scheme; `received` is the status that came.

    It keeps the state of one request: each needs a copy, which shares the pool.
    """

    def __init__(self, api_url: str) -> None:
        parts = urlsplit(api_url)
        host = parts.hostname or ""
        super().__init__(
            f"[{host}]" if ":" in host else host,
            parts.port or (443 if parts.scheme == "https" else 80),
            timeout=TIMEOUT,
            pool_size=_POOL_SIZE,
        )
        self.protocol = parts.scheme
        self.received = 0
        self.session.mount("http://", self.adapter)
        self.session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))

    def getresponse(self) -> RequestsResponse:
        """Send the request. Raises requests' exceptions."""
        response = super().getresponse()
        self.received = response.status
        if response.status in _ACTED_UPON:
            response.status = _HIDDEN
        return response


class HttpTransport:
    """The connections to one GitHub, shared by all threads."""

    def __init__(self, api_url: str) -> None:
        self.api_url = api_url
        self._connection = Connection(api_url)

    def connection(self) -> Connection:
        """A connection for one request."""
        return copy.copy(self._connection)


@dataclass(frozen=True)
class SharedTransport:
    """What the clients of one GitHub share."""

    http: HttpTransport
    etags: Etags

    @classmethod
    def to(cls, api_url: str) -> SharedTransport:
        """For the GitHub at `api_url`."""
        return cls(HttpTransport(api_url), Etags())


class PyGithubSender:
    """Sends requests as one identity, or as nobody."""

    def __init__(self, http: HttpTransport, auth: Auth.Auth | None) -> None:
        github = Github(
            base_url=http.api_url,
            auth=auth,
            retry=None,
            timeout=TIMEOUT,
            seconds_between_requests=0,
            seconds_between_writes=0,
            user_agent="aios-bot",
            lazy=True,
        )
        self._http = http
        self._requester = github.requester
        parts = urlsplit(http.api_url)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.graphql_url = self._requester.graphql_url

    def send(
        self,
        verb: str,
        path: str,
        *,
        parameters: Mapping[str, str | int],
        headers: Mapping[str, str],
        body: object,
    ) -> Response:
        """One HTTP request. Raises requests' exceptions and ConnectionError when no response came."""
        connection = self._http.connection()
        try:
            _, received, text = self._requester.requestJson(
                verb, path, parameters=dict(parameters), headers=PINNED | dict(headers), input=body, cnx=connection
            )
        except (requests.RequestException, ConnectionError):
            metrics.REQUESTS.inc(method=verb, status="none")
            raise
        status = connection.received
        metrics.REQUESTS.inc(method=verb, status="304" if status == 304 else f"{status // 100}xx")
        return Response(status, received, text)
