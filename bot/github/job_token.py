"""Requests with the token of a workflow job, by `requests` alone.

A node sends a handful of requests for an order and waits for this module before the first of them: PyGithub takes a
third of a second to load, and nodes do without it.
"""

from __future__ import annotations

import http.cookiejar
import json
from collections.abc import Mapping
from urllib.parse import urlsplit

import requests

from bot.github.client import Client, Response
from bot.github.connection.backoff import Backoff

_TIMEOUT = 30  # seconds without a response


def connect_job(api_url: str, token: str) -> Client:
    """A client that acts with a workflow job's GITHUB_TOKEN."""
    return Client(JobSender(api_url, token), Backoff(), token=token)


class JobSender:
    """Sends requests with one token, over one kept connection."""

    def __init__(self, api_url: str, token: str) -> None:
        parts = urlsplit(api_url)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.graphql_url = f"{api_url.removesuffix('/v3')}/graphql"
        self._api_url = api_url
        self._headers = {"Authorization": f"token {token}", "User-Agent": "aios-bot"}
        self._session = requests.Session()
        self._session.auth = lambda request: request  # without it .netrc's replaces the token
        self._session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))

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
        response = self._session.request(
            verb,
            self._locate(path),
            params=sorted(parameters.items()),
            headers={**self._headers, **headers} | ({"Content-Type": "application/json"} if body is not None else {}),
            data=json.dumps(body) if body is not None else None,
            timeout=_TIMEOUT,
            allow_redirects=False,
        )
        received = {name.lower(): text for name, text in response.headers.items()}
        return Response(response.status_code, received, response.text)

    def _locate(self, path: str) -> str:
        """The URL of `path`; of another URL only its path and query, so that the token stays on this server."""
        if path.startswith("/"):
            return self._api_url.rstrip("/") + path
        return self.origin + urlsplit(path)._replace(scheme="", netloc="", fragment="").geturl()
