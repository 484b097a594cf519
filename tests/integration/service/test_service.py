"""The service over real HTTP: waitress, the door, the pages, a graceful end."""

from __future__ import annotations

import ctypes
import http.client
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from bot.domain.names import CommitSha, NodeName, PlanId, RepoName, ServiceName, StackName, SubmodulePath
from bot.features.bump.store import PlanStore
from bot.features.fleets.store import PinStore
from bot.github.webhook import LARGEST_BODY, sign
from bot.plan.model import NodePlan, Plan, Reason, ServicePlan, StackPlan
from bot.protocol.action import Action
from bot.queue.inbox import Inbox
from bot.service.database import open_store
from bot.service.router import AnyJob
from bot.service.server import serve
from bot.service.shutdown import Shutdown
from bot.settings.values import Secret
from bot.storage.store import Store
from sandbox.service import free_port
from tests.queueing import handler, make_app
from tests.unit.features.visitors.test_visitors import pin
from tests.unit.payloads import payload

SECRET = Secret("0123456789abcdef")
ROOT = Path(__file__).parents[3]


class Service:
    """A served app, and what its worker saw."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.jobs: list[AnyJob] = []
        self.worry = ""
        self.inbox = Inbox(store)
        self.inbox.start(handler(self.jobs.append))
        app = make_app(self.inbox, SECRET, renderer=lambda: self.worry)
        ready: threading.Event = threading.Event()
        self.port = 0
        self._ending = Shutdown(limit=60)

        def note(port: int) -> None:
            self.port = port
            ready.set()

        self._thread = threading.Thread(
            target=serve, args=(app, "127.0.0.1", 0), kwargs={"ready": note, "shutdown": self._ending}
        )
        self._thread.start()
        assert ready.wait(10)

    def stop(self) -> None:
        self._ending.begin()
        self._thread.join(10)
        self.inbox.stop()
        self._ending.over()

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, str, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), dict(answer.getheaders())
        finally:
            connection.close()

    def deliver(self, body: bytes, name: str = "push", guid: str = "") -> int:
        status, _text, _headers = self.ask("POST", "/webhook", body, signed(body, name, guid))
        return status


def signed(body: bytes, name: str = "push", guid: str = "") -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": name,
        "X-GitHub-Delivery": guid or str(uuid.uuid4()),
        "X-Hub-Signature-256": sign(body, SECRET),
    }


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    store = open_store(f"sqlite:///{tmp_path}/bot.sqlite3")
    running = Service(store)
    yield running
    running.stop()
    store.close()


def test_a_push_comes_in_and_is_worked_on(service: Service) -> None:
    assert service.deliver(json.dumps(payload("push")).encode()) == 202
    assert service.inbox.wait_until_idle(10)
    assert [job.key for job in service.jobs] == ["acme/server"]


def test_a_body_over_the_limit_is_refused_over_the_wire(service: Service) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
    connection.putrequest("POST", "/webhook")
    connection.putheader("Content-Length", str(LARGEST_BODY * 40))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
    assert service.ask("GET", "/healthz")[0] == 200


def test_chunks_without_a_length_work_and_are_limited(service: Service) -> None:
    body = json.dumps(payload("push")).encode()

    def post(chunks: list[bytes], headers: dict[str, str]) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
        try:
            connection.request("POST", "/webhook", iter(chunks), headers, encode_chunked=True)
            return connection.getresponse().status
        except (BrokenPipeError, ConnectionResetError):
            return 413  # the server answered and closed while we were still sending
        finally:
            connection.close()

    chunked = {"Transfer-Encoding": "chunked"}
    assert post([body[:100], body[100:]], {**signed(body), **chunked}) == 202
    assert post([b" " * 2**20] * 27, {**signed(body), **chunked}) == 413
    assert service.ask("GET", "/healthz")[0] == 200


@pytest.mark.parametrize(
    "raw",
    [
        b"\0\1\2\3\r\n\r\n",
        b"POST /webhook HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /webhook HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /webhook HTTP/1.1\r\nHost: x\r\nX-GitHub-Event: \xff\xfe\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /webhook HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 300_000 + b"\r\n\r\n",
        b"POST /webhook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello",
        b"POST /webh%00ook%ff HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
        b"POST http://[ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_raw_nonsense_makes_no_5xx(service: Service, raw: bytes) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=5) as wire:
        wire.sendall(raw)
        with suppress(OSError):  # the service may have closed the connection already
            wire.shutdown(socket.SHUT_WR)
        answer = wire.recv(200)
    assert not answer or answer.split()[1] < b"500", answer
    assert service.ask("GET", "/healthz")[0] == 200


def test_health_and_readiness(service: Service) -> None:
    assert service.ask("GET", "/healthz")[0] == 200
    status, text, _ = service.ask("GET", "/readyz")
    assert (status, json.loads(text)["checks"]) == (200, {"database": "ok", "worker": "ok", "renderer": "ok"})
    service.worry = "docker compose is missing"
    status, text, _ = service.ask("GET", "/readyz")
    assert status == 503
    assert json.loads(text)["checks"]["renderer"] == "docker compose is missing"
    service.worry = ""
    service.inbox.stop()
    assert service.ask("GET", "/readyz")[0] == 503
    assert service.ask("GET", "/healthz")[0] == 200


HOSTILE = "<script>alert(1)</script>"


def test_plans_have_a_page_and_nothing_in_it_is_believed(service: Service) -> None:
    plan = Plan(
        id=PlanId("0123456789ab"),
        fleet=RepoName("acme/aios-win"),
        submodule=SubmodulePath("server"),
        upstream=None,
        base=CommitSha("a" * 40),
        old=None,
        new=CommitSha("b" * 40),
        nodes=(
            NodePlan(
                node=NodeName("HP_LAB"),
                platform="linux",
                stacks=(
                    StackPlan(stack=StackName("broken"), folder="server/broken", files=(), error=HOSTILE),
                    StackPlan(
                        stack=StackName("ingress"),
                        folder="server/stacks/ingress",
                        files=("docker-compose.yml",),
                        services=(
                            ServicePlan(
                                service=ServiceName("traefik"),
                                action=Action.RECREATE,
                                reasons=(Reason(code="image", text=HOSTILE),),
                                diff=f"+ {HOSTILE}",
                            ),
                        ),
                    ),
                ),
            ),
        ),
    )
    PlanStore(service.store).save(plan)
    PlanStore(service.store).save(plan)
    assert service.ask("GET", "/plans/0123456789ab")[0] == 404, "its fleet is none of the service's"
    fleet = RepoName("acme/aios-win")
    PinStore(service.store).replace_pins(fleet, [pin(fleet)])
    status, text, headers = service.ask("GET", "/plans/0123456789ab")
    assert status == 200
    assert "traefik" in text
    assert "Could not analyse" in text
    assert "<script" not in text
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    status, text, headers = service.ask("GET", "/plans/0123456789ab.json")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert json.loads(text)["nodes"][0]["stacks"][1]["services"][0]["action"] == "recreate"
    for unknown in ("ba9876543210", "x", "..%2f..%2fetc", "0123456789ab.yml"):
        assert service.ask("GET", f"/plans/{unknown}")[0] == 404


def test_the_index_says_what_this_is(service: Service) -> None:
    status, text, headers = service.ask("GET", "/")
    assert status == 200
    assert "GitHub App" in text
    assert "Server" not in headers
    assert service.ask("GET", "/static/page.css")[0] == 200


def test_a_host_with_two_addresses_is_served_on_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As localhost is on most machines: ::1 and 127.0.0.1."""
    resolve = socket.getaddrinfo

    def two(host: Any, *more: Any, **named: Any) -> list[Any]:
        hosts = ("127.0.0.1", "127.0.0.2") if host == "two.example" else (host,)
        return [found for one in hosts for found in resolve(one, *more, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    ending, ports = Shutdown(limit=60), queue.Queue[int]()
    app = make_app(Inbox(open_store(f"sqlite:///{tmp_path}/bot.sqlite3")), Secret("0123456789abcdef"))
    thread = threading.Thread(
        target=serve, args=(app, "two.example", free_port()), kwargs={"ready": ports.put, "shutdown": ending}
    )
    thread.start()
    try:
        port = ports.get(timeout=30)
        for address in ("127.0.0.1", "127.0.0.2"):
            line = http.client.HTTPConnection(address, port, timeout=10)
            line.request("GET", "/healthz")
            assert line.getresponse().status == 200
            line.close()
    finally:
        ending.begin()
        thread.join(20)
        ending.over()
    assert not thread.is_alive()


PROGRAM = """
import sys, time
from bot.service.shutdown import Shutdown
from bot.queue.inbox import Inbox
from bot.service.server import end_on_signal, serve
from bot.settings.values import Secret
from bot.service.database import open_store
from tests.queueing import make_app

store = open_store(sys.argv[1])
inbox = Inbox(store)
def work(job):
    print("begun", flush=True)
    time.sleep(1)
    print("ended", flush=True)
inbox.start(work)
shutdown = Shutdown()
with end_on_signal(shutdown):
    app = make_app(inbox, Secret("0123456789abcdef"))
    serve(app, "127.0.0.1", 0, ready=lambda port: print(port, flush=True), shutdown=shutdown)
print("stopped", inbox.stop(), flush=True)
"""


@contextmanager
def started(program: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`program` as a process with a database in `folder`; killed at the end, if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, f"sqlite:///{folder}/bot.sqlite3"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_lets_the_work_in_flight_end(tmp_path: Path, number: int) -> None:
    with started(PROGRAM, tmp_path) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        body = json.dumps(payload("push")).encode()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", "/webhook", body, signed(body))
        assert connection.getresponse().status == 202
        assert process.stdout.readline() == "begun\n"
        before = time.monotonic()
        process.send_signal(number)
        assert process.stdout.read() == "ended\nstopped True\n"
        assert process.wait(10) == 0
        assert time.monotonic() - before < 10


def test_a_signal_that_the_kernel_hands_to_another_thread_ends_the_service_too(tmp_path: Path) -> None:
    with started(PROGRAM, tmp_path) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline())
        main = Path(f"/proc/{process.pid}/task/{process.pid}/stat")
        asleep = 0
        while asleep < 10:  # a main thread that is about to wait would see the signal anyway
            asleep = asleep + 1 if main.read_text().rpartition(")")[2].split()[0] == "S" else 0
            time.sleep(0.02)
        threads = [int(task.name) for task in Path(f"/proc/{process.pid}/task").iterdir()]
        other = next(thread for thread in threads if thread != process.pid)
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.tgkill(process.pid, other, signal.SIGTERM) == 0
        assert process.wait(60) == 0


def test_an_end_is_cut_off_when_a_look_does_not_come_back(tmp_path: Path) -> None:
    """A request that GitHub never answers, a git that stalls: the process ends all the same, and in time."""
    program = PROGRAM.replace("time.sleep(1)", "time.sleep(600)")
    with started(program, tmp_path) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        body = json.dumps(payload("push")).encode()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", "/webhook", body, signed(body))
        assert connection.getresponse().status == 202
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    store = open_store(f"sqlite:///{tmp_path}/bot.sqlite3")
    again: list[AnyJob] = []
    inbox = Inbox(store)
    inbox.start(handler(again.append))
    assert inbox.wait_until_idle(30)
    inbox.stop()
    store.close()
    assert [job.key for job in again] == ["acme/server"]
