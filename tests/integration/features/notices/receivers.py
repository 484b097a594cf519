"""Receivers of messages on loopback: HTTP as webhooks and ntfy take them, and SMTP."""

from __future__ import annotations

import email
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from aiosmtpd.controller import Controller

from sandbox.service import free_port


class Received(NamedTuple):
    """A message as it came in."""

    title: str
    body: str


class Receivers:
    """Addresses in Apprise's notation by kind, and what came in at each; what is in `broken` takes nothing."""

    def __init__(self) -> None:
        self.messages: dict[str, list[Received]] = {"json": [], "ntfy": [], "mailto": []}
        self.broken: set[str] = set()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._smtp = Controller(_Mailbox(self), hostname="127.0.0.1", port=free_port())
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)

    @property
    def addresses(self) -> dict[str, str]:
        web, mail = self._http.server_port, self._smtp.port
        return {
            "json": f"json://127.0.0.1:{web}/hook",
            "ntfy": f"ntfy://127.0.0.1:{web}/fleet",
            "mailto": f"mailto://127.0.0.1:{mail}/?from=bot@example.org&to=ops@example.org&mode=insecure",
        }

    def start(self) -> None:
        self._thread.start()
        self._smtp.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._smtp.stop()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receivers = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                kind = "json" if self.path == "/hook" else "ntfy"
                taken = kind not in receivers.broken
                if taken:
                    receivers.messages[kind].append(Received(body["title"], body["message"]))
                self.send_response(200 if taken else 503)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *args: Any) -> None:
                """Write nothing."""

        return Handler


class _Mailbox:
    def __init__(self, receivers: Receivers) -> None:
        self._receivers = receivers

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's
        if "mailto" in self._receivers.broken:
            return "451 try again later"
        found = email.message_from_bytes(envelope.content)
        self._receivers.messages["mailto"].append(Received(_decoded(found["Subject"]), _text(found)))
        return "250 OK"


def _decoded(header: str) -> str:
    return str(email.header.make_header(email.header.decode_header(header)))


def _text(found: Message) -> str:
    """The plain text of a mail."""
    for part in found.walk():
        if part.get_content_type() == "text/plain":
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            return payload.decode().strip()
    raise AssertionError(found.as_string())


@contextmanager
def receiving() -> Iterator[Receivers]:
    """Receivers that run."""
    receivers = Receivers()
    receivers.start()
    try:
        yield receivers
    finally:
        receivers.stop()
