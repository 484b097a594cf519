"""Serving HTTP: waitress, until somebody asks us to stop."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType

from flask import Flask
from waitress.server import create_server

from bot.intake.webhook import LARGEST_BODY

_LOG = logging.getLogger("bot.server")


def serve(
    app: Flask,
    host: str,
    port: int,
    *,
    threads: int = 8,
    ready: Callable[[int], None] = lambda _port: None,
    stop: threading.Event | None = None,
) -> None:
    """Serve `app` until SIGTERM, SIGINT or `stop`; requests in flight are answered first.

    `ready` is called with the port once connections are accepted (port 0 picks a free one). Signals are only
    watched in the main thread.
    """
    stopping = stop or threading.Event()
    server = create_server(
        app,
        host=host,
        port=port,
        threads=threads,
        ident=None,  # no Server header
        max_request_body_size=LARGEST_BODY + 1,  # the door itself says that it is too large
        max_request_header_size=64 * 1024,
        channel_timeout=30,
        clear_untrusted_proxy_headers=True,
    )
    port = int(server.effective_port)  # type: ignore[union-attr]
    loop = threading.Thread(target=server.run, name="http", daemon=True)
    with _signals(stopping):
        loop.start()
        _LOG.info("listening on http://%s:%d", host, port)
        ready(port)
        stopping.wait()
    _LOG.info("stopping")
    server.close()
    server.task_dispatcher.shutdown(timeout=5)
    loop.join(timeout=1)


class _signals:  # noqa: N801 - used as a function
    """Inside the block SIGTERM and SIGINT set the event; afterwards they mean what they meant before."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self._before: dict[int, signal._HANDLER] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._stop)

    def __exit__(self, *_problem: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping.set()
