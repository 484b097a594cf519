"""Hand requests to the embedded GitHub's application in the same thread, without a socket.

Composing, redirects, sessions and responses stay requests' own, and all that answers stays the embedded GitHub's. Git
and browsers go by its socket as always.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import pytest
import requests
from flask import Flask
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

from sandbox.faults import CHANNEL


class _Channel:
    """What a fault closes in place of a connection."""

    def __init__(self) -> None:
        self.socket = self
        self.is_closed = False

    def shutdown(self, _how: int) -> None:
        self.is_closed = True


class ApplicationAdapter(HTTPAdapter):
    """Answers the requests of a session by calling a WSGI application."""

    def __init__(self, application: Flask) -> None:
        super().__init__()
        self._application = application

    def send(  # noqa: PLR0917 - requests' own signature
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """One request. Raises ConnectionError where a fault closed the connection."""
        del stream, timeout, verify, cert, proxies
        channel = _Channel()
        began: list[tuple[str, list[tuple[str, str]]]] = []
        environment = _environment(request) | {CHANNEL: channel}

        def begin(status: str, headers: list[tuple[str, str]], *_problem: object) -> Any:
            began.append((status, headers))

        answer = self._application.wsgi_app(environment, begin)
        body = b"".join(answer)
        if channel.is_closed:
            raise requests.ConnectionError("the connection was closed", request=request)
        ((status, headers),) = began
        code, _, reason = status.partition(" ")
        made = HTTPResponse(
            io.BytesIO(body),
            headers=HTTPHeaderDict(headers),
            status=int(code),
            reason=reason,
            preload_content=False,
            decode_content=False,
        )
        found: requests.Response = self.build_response(request, made)
        return found


def _environment(request: requests.PreparedRequest) -> dict[str, Any]:
    url, body = urlsplit(request.url or ""), request.body or b""
    content = body.encode() if isinstance(body, str) else body
    environment = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(url.path, "latin-1"),
        "QUERY_STRING": url.query,
        "SERVER_NAME": url.hostname,
        "SERVER_PORT": str(url.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": url.netloc,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": io.BytesIO(cast("bytes", content)),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        environment[key] = value.decode("latin-1") if isinstance(value, bytes) else value
    return environment


@contextmanager
def in_process(address: str, application: Flask) -> Iterator[None]:
    """Within the block this process's requests to `address` are handed to `application`."""
    adapter, choose = ApplicationAdapter(application), requests.Session.get_adapter

    def chosen(session: requests.Session, **asked: str) -> Any:
        return adapter if asked["url"].startswith(f"{address}/") else choose(session, **asked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests.Session, "get_adapter", chosen)
        patch.setattr(requests.sessions, "get_environ_proxies", lambda *_arguments, **_named: {})
        yield
