"""A git server on the loopback that asks for a token and redirects, and another server that notes what reaches it."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bot.git.credentials import basic_authorization
from bot.settings.environment import child_environment

TOKEN = "ghs_" + "t0ken" * 8


@dataclass
class Place:
    """One server: what it answers by the beginning of a path, and the credentials that it was given."""

    repositories: dict[str, Path] = field(default_factory=dict)
    """By "/OWNER/NAME.git"; only with the token where it `asks` for one."""
    asks: bool = True
    redirects: dict[tuple[str, str], str] = field(default_factory=dict)
    """Address to go to instead, by verb and "/OWNER/NAME.git"; also for whoever has no token."""
    code: int = 301
    protocol: str | None = None
    """The version of git's protocol that it speaks, whatever it is asked; None: the one that it is asked for."""
    url: str = ""
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    """Verb, path and Authorization of each request."""

    @property
    def tokens(self) -> list[str]:
        """The credentials that reached this server."""
        return [credential for _, _, credential in self.seen if credential]


class _Handler(BaseHTTPRequestHandler):
    place: Place

    def do_GET(self) -> None:
        """Answer a GET."""
        self._answer()

    def do_POST(self) -> None:
        """Answer a POST."""
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        credential = self.headers.get("Authorization", "")
        self.place.seen.append((self.command, self.path, credential))
        name, _, service = self.path.partition(".git/")
        name = f"{name}.git"
        to = self.place.redirects.get((self.command, name))
        if to is not None:
            self._send(self.place.code, {"Location": f"{to}/{service}"}, b"")
        elif name not in self.place.repositories:
            self._send(404, {}, b"")
        elif self.place.asks and credential != basic_authorization(TOKEN):
            self._send(401, {"WWW-Authenticate": 'Basic realm="here"'}, b"")
        else:
            self._serve(self.place.repositories[name], service, body)

    def _serve(self, repository: Path, service: str, body: bytes) -> None:
        path, _, query = service.partition("?")
        environment = child_environment() | {
            "GIT_PROJECT_ROOT": str(repository / ".git"),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{path}",
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.place.protocol if self.place.protocol is not None else self._protocol(),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }
        done = subprocess.run(["git", "http-backend"], env=environment, input=body, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n") if ": " in line)
        self._send(int(headers.pop("Status", "200").split()[0]), headers, content)

    def _protocol(self) -> str:
        return str(self.headers.get("Git-Protocol", ""))

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def serving() -> Iterator[Place]:
    """A server that answers as its Place says, until the end."""
    place = Place()
    handler = type("Handler", (_Handler,), {"place": place})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        place.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield place
        finally:
            server.shutdown()
            thread.join()
