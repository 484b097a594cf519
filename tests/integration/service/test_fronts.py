"""The fronts of docs/examples before the real service: TLS, what they refuse, and what the service takes them for.

Caddy by default; `make verify-fronts` names HAProxy, too.
"""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import requests

from bot.github.webhook import LARGEST_BODY
from bot.queue.inbox import Inbox
from bot.service.database import open_store
from bot.service.server import serve
from bot.service.shutdown import Shutdown
from bot.settings.values import Secret
from sandbox.service import free_port
from tests.acceptance.outside import eventually
from tests.integration.prometheus.programs import DEBIAN, ROOT
from tests.queueing import make_app

EXAMPLES = ROOT / "docs/examples/front"
NAME, SERVICE, SECONDS = "bot.example.org", "127.0.0.1:8080", "5s"


class Front(NamedTuple):
    """What runs before the service: where, and by which certificate it is known."""

    port: int
    certificate: Path

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def get(self, path: str, **more: object) -> requests.Response:
        return requests.request("GET", self.url + path, verify=str(self.certificate), timeout=30, **more)  # type: ignore[arg-type]  # as given

    def connect(self) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(self.certificate))
        made = context.wrap_socket(socket.create_connection(("127.0.0.1", self.port)), server_hostname="localhost")
        made.settimeout(60)
        return made


@pytest.fixture
def service(tmp_path: Path) -> Iterator[int]:
    """A service whose pages are open to this machine; its port."""
    inbox, shutdown, ports, ready = (
        Inbox(open_store(f"sqlite:///{tmp_path}/b.sqlite3")),
        Shutdown(),
        [0],
        threading.Event(),
    )

    def note(port: int) -> None:
        ports[0] = port
        ready.set()

    app = make_app(inbox, Secret("a secret"), open_pages=True)
    thread = threading.Thread(
        target=serve, args=(app, "127.0.0.1", 0), kwargs={"ready": note, "shutdown": shutdown, "request_seconds": 1}
    )
    thread.start()
    assert ready.wait(30)
    yield ports[0]
    shutdown.begin()
    thread.join(30)
    inbox.store.close()


@contextmanager
def caddy(folder: Path, service: int) -> Iterator[Front]:
    """The example with another name, a certificate of Caddy's own, and less patience."""
    port, text = free_port(), (EXAMPLES / "Caddyfile").read_text()
    for old, new in (
        ("{\n\tservers {", "{\n\tadmin off\n\tskip_install_trust\n\tauto_https disable_redirects\n\tservers {"),
        (f"{NAME} {{", f"https://localhost:{port} {{\n\ttls internal"),
        (SERVICE, f"127.0.0.1:{service}"),
        (f"read_header {SECONDS}", "read_header 1s"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (folder / "Caddyfile").write_text(text)
    homes = {name: str(folder) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    command = [str(DEBIAN / "usr/bin/caddy"), "run", "--config", str(folder / "Caddyfile")]
    certificate = folder / "caddy/pki/authorities/local/root.crt"
    with _running(command, folder / "caddy.log", Front(port, certificate), homes) as front:
        yield front


@contextmanager
def haproxy(folder: Path, service: int) -> Iterator[Front]:
    """The example with other ports, a certificate of its own, and less patience."""
    port, text, certificate = free_port(), (EXAMPLES / "haproxy.cfg").read_text(), folder / "front.pem"
    make = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    files = ["-keyout", str(folder / "key"), "-out", str(folder / "crt")]
    subprocess.run(["openssl", *make.split(), *files], check=True, capture_output=True)
    certificate.write_text((folder / "crt").read_text() + (folder / "key").read_text())
    for old, new in (
        ("bind :80\n", f"bind 127.0.0.1:{free_port()}\n"),
        ("bind :443 ", f"bind 127.0.0.1:{port} "),
        (f"/etc/haproxy/{NAME}.pem", str(certificate)),
        (SERVICE, f"127.0.0.1:{service}"),
        ("GET /readyz", "GET /healthz"),  # nothing works off jobs here
        (f"http-request {SECONDS}", "http-request 1s"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (folder / "haproxy.cfg").write_text(text)
    program = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "haproxy is missing: apt-get install haproxy"
    command = [program, "-db", "-f", str(folder / "haproxy.cfg")]
    with _running(command, folder / "haproxy.log", Front(port, folder / "crt"), {}) as front:
        yield front


@contextmanager
def _running(command: list[str], log: Path, front: Front, environment: dict[str, str]) -> Iterator[Front]:
    def answers() -> bool:
        try:
            return process.poll() is None and front.certificate.exists() and front.get("/healthz").ok
        except requests.ConnectionError:
            return False

    with (
        log.open("wb") as out,
        subprocess.Popen(command, stdout=out, stderr=out, env=os.environ | environment) as process,
    ):
        try:
            eventually(f"{log.name}: the service through it", answers, seconds=60)
            yield front
        finally:
            process.terminate()


FRONTS = {"caddy": caddy, "haproxy": haproxy}


@pytest.mark.parametrize("name", os.environ.get("AIOS_BOT_FRONTS", "caddy").split())
def test_a_front_takes_what_the_service_wants_and_nothing_else(name: str, tmp_path: Path, service: int) -> None:
    with FRONTS[name](tmp_path, service) as front:
        assert front.get("/fleets", allow_redirects=False).headers["Location"].startswith("/sign-in"), "not open"
        assert requests.get(f"http://127.0.0.1:{service}/metrics", timeout=30).ok
        spoofed = {"X-Forwarded-For": "127.0.0.1"}
        for path in ("/metrics", "/%6detrics", "/metrics/"):
            assert front.get(path, headers=spoofed).status_code in {401, 404}, path
        assert front.get("/metrics").status_code == 404
        with front.connect() as large:
            head = f"POST /webhook HTTP/1.1\r\nHost: localhost\r\nContent-Length: {LARGEST_BODY + 1}\r\n\r\n"
            large.sendall(head.encode() + b"x" * 70_000)
            assert b" 413 " in large.recv(200)
        begun = [front.connect() for _ in range(2)]
        begun[0].sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-")
        begun[1].sendall(b"POST /webhook HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nslow")
        assert front.get("/healthz").ok
        for slow in begun:
            answer = b""
            while more := slow.recv(1000):  # until it is closed
                answer += more
            assert answer[:10] in {b"HTTP/1.1 4", b"HTTP/1.1 5"}, "what did not come in is not taken for delivered"
            slow.close()
