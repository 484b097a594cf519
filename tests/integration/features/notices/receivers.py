"""Receivers of messages on loopback: HTTP as webhooks and ntfy take them, and SMTP.

They keep repeats too, with the id by which a receiver knows one. What ntfy has is read by its own API.
"""

from __future__ import annotations

import email
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller

from sandbox.service import free_port


class Received(NamedTuple):
    """A message as it came in."""

    title: str
    body: str
    id: str = ""  # Idempotency-Key, or Message-ID
    at: int = 0  # seconds since the epoch


class Receivers:
    """Addresses in Apprise's notation by kind, and what came in at each; what is in `broken` takes nothing.

    What is in `slow` answers after so many seconds; what is in `closed` does not say what it has.
    """

    def __init__(self) -> None:
        self.messages: dict[str, list[Received]] = {"json": [], "ntfy": [], "mailto": []}
        self.broken: set[str] = set()
        self.slow: dict[str, float] = {}
        self.closed: set[str] = set()
        self.reads = 0
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
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                if len(sent) < int(self.headers["Content-Length"]):
                    return  # its sender was killed
                body = json.loads(sent)
                kind = "json" if self.path == "/hook" else "ntfy"
                taken = kind not in receivers.broken
                if taken:
                    key = self.headers.get("Idempotency-Key", "")
                    message = Received(body["title"], body["message"], key, int(time.time()))
                    receivers.messages[kind].append(message)
                time.sleep(receivers.slow.get(kind, 0))
                self.answer(200 if taken else 503, b"{}")

            def do_GET(self) -> None:
                """What `fleet` has, as ntfy says it: https://docs.ntfy.sh/subscribe/api/."""
                address = urlsplit(self.path)
                wanted = {name: found[0] for name, found in parse_qs(address.query).items()}
                if "ntfy" in receivers.closed or address.path != "/fleet/json" or wanted["poll"] != "1":
                    self.answer(403, b"{}")
                    return
                receivers.reads += 1
                held = [
                    {"event": "message", "time": one.at, "topic": "fleet", "title": one.title, "message": one.body}
                    for one in list(receivers.messages["ntfy"])
                    if one.at >= int(wanted["since"]) and one.title == wanted["title"]
                ]
                self.answer(200, "".join(json.dumps(one) + "\n" for one in held).encode())

            def answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with suppress(OSError):  # a sender that was killed, or did not wait
                    self.wfile.write(body)

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
        (message_id,) = found.get_all("Message-ID") or [""]
        message = Received(_decoded(found["Subject"]), _text(found), message_id, int(time.time()))
        self._receivers.messages["mailto"].append(message)
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
