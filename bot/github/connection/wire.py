"""One kept line to GitHub's API, shared by all threads, in the form that PyGithub sends through.

PyGithub by itself opens a connection per client, loses the query when it follows a redirect, and waits for ever
while a GET is answered 202: here the first answer is the answer, and what it means is decided at the seam.
"""

from __future__ import annotations

import http.cookiejar
from collections.abc import ItemsView
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

_LINES = 16  # connections kept


class Wire:
    """The line. `timeout`: seconds without an answer."""

    def __init__(self, api_url: str, *, timeout: float) -> None:
        parts = urlsplit(api_url)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.timeout = timeout
        self.session = requests.Session()
        self.session.auth = lambda request: request  # none of .netrc's
        self.session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=_LINES)
        self.session.mount(self.origin, adapter)

    def exchange(self) -> Exchange:
        """For one request."""
        return Exchange(self)


class Exchange:
    """One request and its answer; what PyGithub calls a connection."""

    def __init__(self, wire: Wire) -> None:
        self.host = urlsplit(wire.origin).hostname
        self._wire = wire
        self._answer: requests.Response | None = None

    def request(self, verb: str, url: str, body: str | None, headers: dict[str, str], _stream: bool = False) -> None:
        """Send, and wait for the answer. Raises requests' exceptions."""
        self._answer = self._wire.session.request(
            verb,
            f"{self._wire.origin}{url}",
            data=body.encode() if body is not None else None,
            headers=headers,
            timeout=self._wire.timeout,
            allow_redirects=False,
        )

    def getresponse(self) -> Exchange:
        """The answer, in PyGithub's terms: this object."""
        return self

    @property
    def answer(self) -> requests.Response:
        """What came."""
        if self._answer is None:
            raise RuntimeError("nothing was sent")
        return self._answer

    @property
    def status(self) -> int:
        """599 stands for an answer that PyGithub would act upon by itself; `answer` has the real one."""
        return 599 if self.answer.status_code in (202, 301, 302, 307, 308) else self.answer.status_code

    def getheaders(self) -> ItemsView[str, str]:
        """The answer's headers."""
        return self.answer.headers.items()

    def read(self) -> str:
        """The answer's body."""
        return self.answer.text or ""

    def close(self) -> None:
        """The line is kept."""
