"""Serving HTTP: waitress, until somebody asks us to stop."""

from __future__ import annotations

import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType

from flask import Flask
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, MultiSocketServer, create_server

from bot.domain.errors import BotError, ExitCode
from bot.github.webhook import LARGEST_BODY
from bot.service.shutdown import Shutdown
from bot.service.slow_clients import REQUEST_SECONDS, SILENT_SECONDS, count_places, limit_requests

_LOG = logging.getLogger("bot.server")


class CannotListen(BotError):  # noqa: N818 - it says what happened
    """The address is taken, or not ours."""

    exit_code = ExitCode.UNAVAILABLE


def check_address(host: str, port: int) -> None:
    """Raise CannotListen unless this process could listen on `port` of `host` now."""
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
    except OSError as problem:
        raise CannotListen(_cannot_listen(host, port, problem)) from None


def _cannot_listen(host: str, port: int, problem: OSError) -> str:
    reason = problem.strerror or problem
    return f"cannot listen on {host}:{port} ({reason}): stop what uses it, or set HOST and PORT to another address"


def serve(
    app: Flask,
    host: str,
    port: int,
    *,
    threads: int = 8,
    ready: Callable[[int], None] = lambda _port: None,
    shutdown: Shutdown,
    stopping: Callable[[], None] = lambda: None,
    request_seconds: float = REQUEST_SECONDS,
) -> None:
    """Serve `app` until `ending` is asked for; requests in flight are answered first, for a while.

    `ready` is called with the port once connections are accepted (port 0 picks a free one), `stopping` as soon as
    the end is asked for. A connection is closed when one request takes longer than `request_seconds` to come in.
    """
    try:
        server = _listen(app, host, port, threads, request_seconds)
    except OSError as problem:
        raise CannotListen(_cannot_listen(host, port, problem)) from None
    port = _port(server)

    def run() -> None:
        with suppress(OSError):  # its own socket, closed below while it waits for it
            server.run()

    loop = threading.Thread(target=run, name="http", daemon=True)
    loop.start()
    _LOG.info("listening on http://%s:%d", host, port)
    ready(port)
    # Not one long wait: Python runs a signal's handler in this thread alone, and the kernel may hand the signal to
    # another, which does not wake this one.
    while not shutdown.requested.wait(timeout=0.5):
        pass
    _LOG.info("stopping")
    stopping()
    # Closing the server's own socket ends the loop that sends the answers, so it comes last.
    server.task_dispatcher.shutdown(timeout=2)
    _drain(server, seconds=min(1.0, shutdown.left() / 4))
    for channel in _channels(server):
        # Whoever kept the connection shall not wait on it; closing alone is put off while the loop selects on it.
        with suppress(OSError):
            if channel.socket is not None:
                channel.socket.shutdown(socket.SHUT_RDWR)
    server.close()
    loop.join(timeout=min(1.5, shutdown.left() / 4))


def _port(server: MultiSocketServer | BaseWSGIServer) -> int:
    """Where it listens: a name such as localhost may stand for two addresses, each with a socket of its own."""
    listening = server.effective_listen[0] if isinstance(server, MultiSocketServer) else server.getsockname()
    return int(listening[1])


def _drain(server: MultiSocketServer | BaseWSGIServer, *, seconds: float) -> None:
    """Let what was answered go out."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(one.total_outbufs_len for one in _channels(server)):
        time.sleep(0.01)


def _channels(server: MultiSocketServer | BaseWSGIServer) -> list[HTTPChannel]:
    sockets = server.map if isinstance(server, MultiSocketServer) else server.active_channels
    if not isinstance(sockets, Mapping):
        return []
    return [one for one in list(sockets.values()) if isinstance(one, HTTPChannel)]


@contextmanager
def end_on_signal(shutdown: Shutdown) -> Iterator[None]:
    """Inside the block the first SIGTERM or SIGINT asks for the end; a second one does what it does by itself.

    For the main thread only.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def stop(_number: int, _frame: FrameType | None) -> None:
        restore()
        shutdown.begin()

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        restore()


def _listen(
    app: Flask, host: str, port: int, threads: int, request_seconds: float
) -> MultiSocketServer | BaseWSGIServer:
    server = create_server(
        app,
        host=host,
        port=port,
        threads=threads,
        ident=None,  # no Server header
        max_request_body_size=LARGEST_BODY + 1,  # the route itself answers that it is too large
        max_request_header_size=64 * 1024,
        channel_timeout=SILENT_SECONDS,
        cleanup_interval=1,
        connection_limit=count_places(),
        asyncore_use_poll=True,  # select() takes no more than 1024 connections
        clear_untrusted_proxy_headers=False,  # nobody believes them, but what has one did not come straight from here
    )
    limit_requests(server, request_seconds)
    return server
