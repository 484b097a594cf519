"""Make the embedded GitHub misbehave: errors before and after the effect, stalls, lost connections, cut responses."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from flask import Response, request
from waitress.channel import HTTPChannel
from waitress.task import WSGITask

CHANNEL = "aios.channel"
"""In a request's environment: the connection that it came by."""


class Cut(StrEnum):
    """How the response is cut."""

    NOTHING = ""
    CONNECTION = "connection"  # the connection closes without a response
    BODY = "body"  # half of the body is sent as if it were all: JSON that ends in the middle
    TRANSFER = "transfer"  # half of the body is sent, then the connection closes


@dataclass
class Fault:
    """One kind of misbehaviour, for the next `times` requests that match."""

    matches: Callable[[str, str], bool]  # method, and path with the API's prefix
    status: int = 0  # 0: the response is as usual
    times: int = 1
    after_effect: bool = False  # the request is carried out, and its response is broken
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "Server Error"
    page: str = ""  # sent in place of GitHub's JSON, as by a proxy on the way
    stall: float = 0.0  # seconds before anything else happens
    cut: Cut = Cut.NOTHING
    played: int = 0


class Faults:
    """The planned faults."""

    def __init__(self) -> None:
        self.planned: list[Fault] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for this request, after waiting for its stall."""
        with self._lock:
            found = next((f for f in self.planned if f.times > 0 and f.matches(method, path)), None)
            if found is not None:
                found.times -= 1
                found.played += 1
        if found is not None and found.stall:
            self._ended.wait(found.stall)
        return found

    def end(self) -> None:
        """End every stall."""
        self._ended.set()


def break_response(fault: Fault, answer: Response) -> Response:
    """The response that the client gets."""
    if fault.cut is Cut.CONNECTION:
        channel: HTTPChannel = request.environ[CHANNEL]
        if channel.socket is not None:
            channel.socket.shutdown(socket.SHUT_RDWR)
    elif fault.cut:
        body = answer.get_data()
        answer.set_data(body[: len(body) // 2])
        if fault.cut is Cut.TRANSFER:
            answer.headers["Content-Length"] = str(len(body))
    return answer


class _Task(WSGITask):
    def get_environment(self) -> dict[str, Any]:
        environment: dict[str, Any] = super().get_environment()
        environment[CHANNEL] = self.channel
        return environment


class BreakableChannel(HTTPChannel):
    """A channel whose connection a handler can close."""

    task_class = _Task
