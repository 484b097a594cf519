"""Work in children of one small process that has no threads: for a service, which has many.

A fork of the service itself could inherit a lock that another of its threads holds just then. The process is started
when it is first needed, forks a child for each piece of work (bot.planner.guarded), and is ended when it had nothing
to do for a while, or when the service ends, however that ends. Where it dies, another is started. Work goes to it
through an anonymous file, never through arguments. multiprocessing has a fork server too, but one that keeps a second
process running, and imports the service's main module into every child.
"""

from __future__ import annotations

import contextlib
import functools
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

from bot.domain.errors import BotError
from bot.planner.forkserver_process import ANSWER, KILLED, REFUSED
from bot.planner.guarded import FORKS, OUT_OF_TIME, Limits, NoChildError, read_result
from bot.settings.environment import child_environment

_T = TypeVar("_T")
_IDLE_SECONDS = 15.0  # then it is ended: plans come in bursts, and a start takes about half a second
_GRACE_SECONDS = 30.0  # after the limit of time, until the process itself counts as stuck
_SEND_SECONDS = 10.0
_TRIES = 3
_RUN = "import sys; sys.path[:] = sys.argv[1:]; from bot.planner.forkserver_process import main; main()"


class ForkServer:
    """A ChildRunner for a process with threads; safe between them. Closed, it starts again when it is called."""

    def __init__(self, idle_seconds: float = _IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._process: _Process | None = None
        self._at_work = 0
        self._timer: threading.Timer | None = None

    def __call__(self, work: Callable[[], _T], limits: Limits, /) -> _T:
        """What `work` returns or raises; StoppedError when a limit ended it.

        Where the process dies, work is begun again in another, three times at most.
        """
        if not FORKS:
            return work()
        content = pickle.dumps(work)
        with self._working():
            for _ in range(_TRIES):
                process = self._started()
                with tempfile.TemporaryFile() as result:
                    try:
                        code = process.run(content, result.fileno(), limits)
                    except _DiedError:
                        self._end(process)
                    else:
                        return read_result(code, result, limits)  # type: ignore[no-any-return]  # of `work`
        raise BotError(f"the process that makes plans died {_TRIES} times in a row: look for what ends it")

    def close(self) -> None:
        """End the process, and with it all work."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.end()

    @contextlib.contextmanager
    def _working(self) -> Iterator[None]:
        with self._lock:
            self._at_work += 1
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        try:
            yield
        finally:
            with self._lock:
                self._at_work -= 1
                if not self._at_work and self._process is not None:
                    self._timer = threading.Timer(self._idle_seconds, self._close_idle)
                    self._timer.daemon = True
                    self._timer.start()

    def _close_idle(self) -> None:
        with self._lock:
            if self._at_work:
                return
            process, self._process = self._process, None
        if process is not None:
            process.end()

    def _started(self) -> _Process:
        with self._lock:
            if self._process is None:
                self._process = _start()
            return self._process

    def _end(self, process: _Process) -> None:
        with self._lock:
            ours = self._process is process
            if ours:
                self._process = None
        if ours:  # else another thread ends it, or has: its number may be somebody else's by now
            process.end()


class _DiedError(Exception):
    """The process died, or does not answer."""


class _Process(NamedTuple):
    """The running process, and our end of the connection to it."""

    process: subprocess.Popen[bytes]
    connection: socket.socket

    def run(self, content: bytes, result: int, limits: Limits) -> int | None:
        """The exit code of a child that does the pickled work `content`, or OUT_OF_TIME.

        Raises _DiedError, and NoChildError.
        """
        answer, theirs = os.pipe()
        with os.fdopen(answer, "rb") as answers:
            try:
                with _anonymous_file(content) as work:
                    self._send(pickle.dumps(limits), [work, result, theirs])
            finally:
                os.close(theirs)
            poll = select.poll()
            poll.register(answers, select.POLLIN)
            in_time = poll.poll((limits.seconds + _GRACE_SECONDS) * 1000)
            found = answers.read(ANSWER.size) if in_time else b""
        if not found:
            raise _DiedError
        (code,) = ANSWER.unpack(found)
        if code >= REFUSED:
            raise NoChildError(code - REFUSED)
        return OUT_OF_TIME if code == KILLED else int(code)

    def _send(self, message: bytes, files: list[int]) -> None:
        try:
            socket.send_fds(self.connection, [message], files)
        except OSError:
            raise _DiedError from None

    def end(self) -> None:
        """End it and its children."""
        self.connection.close()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)  # it leads its group until somebody has waited for it
        self.process.wait()


@contextlib.contextmanager
def _anonymous_file(content: bytes) -> Iterator[int]:
    """An open file that is in memory alone, at its start."""
    number = os.memfd_create("work")
    try:
        with open(number, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(number, 0, os.SEEK_SET)
        yield number
    finally:
        os.close(number)


def _start() -> _Process:
    """Start the process, with the modules that this process has."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _RUN, *(path or str(Path.cwd()) for path in sys.path)],
            env=child_environment() | {"TMPDIR": tempfile.gettempdir()},
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
    ours.settimeout(_SEND_SECONDS)
    return _Process(process, ours)


@functools.cache
def shared_fork_server() -> ForkServer:
    """The one of this process."""
    return ForkServer()
