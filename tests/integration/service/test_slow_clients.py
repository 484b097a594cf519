"""Clients that never end a request take no place from those who do."""

from __future__ import annotations

import http.client
import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from flask import Flask, request

from bot.service import server
from bot.service.server import serve
from bot.service.shutdown import Shutdown
from bot.service.slow_clients import MOST_CONNECTIONS, count_places
from bot.web.guard import is_from_this_machine

CLIENTS = 250
SECONDS = 1.0  # of one request, here


@contextmanager
def listening() -> Iterator[int]:
    app = Flask(__name__)

    @app.post("/webhook")
    def webhook() -> str:
        return str(len(request.get_data()))

    @app.get("/here")
    def here() -> str:
        return str(is_from_this_machine())

    ports: list[int] = []
    ready = threading.Event()
    shutdown = Shutdown(limit=60)

    def note(port: int) -> None:
        ports.append(port)
        ready.set()

    thread = threading.Thread(
        target=lambda: serve(app, "127.0.0.1", 0, ready=note, shutdown=shutdown, request_seconds=SECONDS)
    )
    thread.start()
    assert ready.wait(20)
    yield ports[0]
    shutdown.begin()
    thread.join(20)
    shutdown.over()  # else it ends the process of the tests
    assert not thread.is_alive()


@pytest.fixture
def port() -> Iterator[int]:
    with listening() as port:
        yield port


def test_what_a_proxy_on_this_machine_passes_on_is_not_from_this_machine(port: int) -> None:
    """The server leaves the headers that say so."""

    def ask(**headers: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/here", headers=headers)
        answer = connection.getresponse().read()
        connection.close()
        return answer

    assert ask() == b"True"
    proxied = (
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"Via": "1.1 x"},
        {"Host": "b.c"},
    )
    assert [ask(**one) for one in proxied] == [b"False"] * 4


def post(port: int, *, timeout: float = 20) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("POST", "/webhook", body=b"x" * 1000)
        return connection.getresponse().read()
    finally:
        connection.close()


def closed(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionError:
        return True


STARTS = pytest.mark.parametrize(
    "start",
    [b"", b"POST /webhook HT", b"POST /webhook HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx"],
    ids=["half-open", "header", "body"],
)


@STARTS
def test_requests_are_answered_beside_many_slow_clients(port: int, start: bytes) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(CLIENTS)]
        for client in clients:
            client.settimeout(20)
            client.sendall(start)
        for _ in range(3):
            assert post(port) == b"1000"
            for client in clients:
                try:
                    client.sendall(start and b"x")
                except OSError:  # closed by then
                    continue
        if start:
            assert all(closed(client) for client in clients), "each lost its place"


@STARTS
def test_without_limits_they_would_take_every_place(monkeypatch: pytest.MonkeyPatch, start: bytes) -> None:
    """As the web server does by itself: the test above would be red."""
    monkeypatch.setattr(server, "count_places", lambda: 100)
    monkeypatch.setattr(server, "SILENT_SECONDS", 120)
    monkeypatch.setattr(server, "limit_requests", lambda *_: None)
    with listening() as port, ExitStack() as stack:
        for _ in range(CLIENTS):
            stack.enter_context(socket.create_connection(("127.0.0.1", port))).sendall(start)
        with pytest.raises(TimeoutError):
            post(port, timeout=3)


def test_a_connection_that_is_kept_between_requests_stays(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    for _ in range(2):
        connection.request("POST", "/webhook", body=b"x")
        assert connection.getresponse().read() == b"1"
        kept = connection.sock
        time.sleep(SECONDS * 2.5)
    connection.request("POST", "/webhook", body=b"x")
    assert connection.getresponse().read() == b"1"
    assert connection.sock is kept
    connection.close()


@pytest.mark.parametrize(
    ("limits", "places", "raised"),
    [
        ((256, 1024), 768, (1024, 1024)),
        ((1024, 1 << 20), MOST_CONNECTIONS, (MOST_CONNECTIONS + 256, 1 << 20)),
        ((64, 64), 32, (64, 64)),
        ((4096, 4096), MOST_CONNECTIONS, None),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), MOST_CONNECTIONS, None),
        ((256, resource.RLIM_INFINITY), MOST_CONNECTIONS, (MOST_CONNECTIONS + 256, resource.RLIM_INFINITY)),
    ],
)
def test_there_are_never_more_places_than_files_may_be_open(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], places: int, raised: tuple[int, int] | None
) -> None:
    made: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _which: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _which, to: made.append(to))
    assert count_places() == places
    assert made == ([] if raised is None else [raised])
