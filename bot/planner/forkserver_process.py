"""The process that forks a child for each plan; bot.planner.forkserver starts it, with a socket as its input.

Each message of the socket is the limits of one piece of work, and brings three open files: the pickled work, the one
for its result, and the one that gets an answer when the child has ended. At the socket's end all children are killed.
It has no threads, so what it forks is whole, and has loaded what plans are made with.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import select
import signal
import socket
import struct
import time
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

from bot.planner.guarded import Limits, be_child

ANSWER = struct.Struct("i")
"""The exit code of the child, KILLED when its time was over, or REFUSED and the system's number of the error."""
KILLED = 1 << 16
REFUSED = 1 << 17
_MESSAGE = 1024  # bytes
_FILES = 3
LOADED = ("bot.planner.plans", "bot.planner.reads", "bot.planner.stack_renderer")


class _Child(NamedTuple):
    pid: int
    answer: int
    over: float  # by the monotonic clock

    def end(self, *, kill: bool = False) -> None:
        """Wait for it, and answer how it ended."""
        if kill:
            os.kill(self.pid, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        with contextlib.suppress(BrokenPipeError):  # nobody waits any more
            os.write(self.answer, ANSWER.pack(KILLED if kill else code))
        os.close(self.answer)


def serve(connection: socket.socket) -> None:
    """Fork children for the messages of `connection` until it ends."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    children: dict[int, _Child] = {}  # by the file that says that they have ended
    while True:
        for number in _ready(poll, children):
            if number in children:
                poll.unregister(number)
                os.close(number)
                children.pop(number).end()
                continue
            message, files, _, _ = socket.recv_fds(connection, _MESSAGE, _FILES)
            if not message:
                for child in children.values():
                    child.end(kill=True)
                return
            limits = pickle.loads(message)  # noqa: S301 - of the process that started us
            if (forked := _fork(limits, *files)) is not None:
                child, handle = forked
                children[handle] = child
                poll.register(handle, select.POLLIN)
        now = time.monotonic()
        for handle in [handle for handle, child in children.items() if child.over <= now]:
            poll.unregister(handle)
            os.close(handle)
            children.pop(handle).end(kill=True)


def _ready(poll: Any, children: dict[int, _Child]) -> list[int]:
    """The files that something can be read of, those of children first; none when a child's time is over."""
    wait = min((child.over for child in children.values()), default=None)
    milliseconds = None if wait is None else max(0.0, wait - time.monotonic()) * 1000 + 1
    return sorted((number for number, _ in poll.poll(milliseconds)), key=lambda number: number not in children)


def _fork(limits: Limits, work: int, result: int, answer: int) -> tuple[_Child, int] | None:
    """The child and the file that says that it has ended; None where the system refused one, which is answered."""
    try:
        child = os.fork()
    except OSError as problem:  # too many processes, too little memory: the other children go on
        with contextlib.suppress(BrokenPipeError):
            os.write(answer, ANSWER.pack(REFUSED + (problem.errno or 0)))
        for number in (work, result, answer):
            os.close(number)
        return None
    if child == 0:
        with open(work, "rb", closefd=False) as file:
            content = file.read()
        be_child(partial(_do, content), result, limits)
    os.close(work)
    os.close(result)
    return _Child(child, answer, time.monotonic() + limits.seconds), os.pidfd_open(child)


def _do(content: bytes) -> object:
    return pickle.loads(content)()  # noqa: S301 - of the process that started us


def main() -> None:
    """Load what plans are made with, and serve the socket that is our standard input."""
    for module in LOADED:
        import_module(module)

    connection = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    gc.collect()
    gc.freeze()  # what all children share: looking through it would copy it
    serve(connection)
