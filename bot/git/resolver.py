"""Ask one git process for the commits of many names: it looks each time at refs and objects as they are then."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import threading
import weakref
from collections.abc import Mapping, Sequence
from typing import IO, cast

_TIMEOUT = 600  # seconds for one answer, as for one command
_MOST = 4096  # bytes of a name that is asked for; longer ones are no names of refs


class Resolver:
    """Runs `command`, a `git cat-file --batch-check=%(objectname)`, from the first question on.

    It is ended by `close`, and else with this object or its owner's process. Not for Windows, where it would hold
    open what is to be removed.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], inherited: Sequence[int]) -> None:
        self._command = tuple(command)
        self._environment = dict(environment)
        self._inherited = tuple(inherited)
        self._one_at_a_time = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._end: weakref.finalize[..., Resolver] | None = None

    def ask(self, name: str) -> str | None:
        """The object that `name` stands for, "" where there is none; None when git does not say."""
        line = name.encode("utf-8", "surrogateescape")
        if b"\n" in line or len(line) > _MOST or os.name != "posix":
            return None
        with self._one_at_a_time:
            try:
                answer = self._exchange(line + b"\n")
            except OSError:
                answer = b""
            if not answer.endswith(b"\n"):  # a damaged object ends it
                self.close()
                return None
        found = answer.decode("utf-8", "replace").strip()
        return "" if " " in found else found  # "NAME missing", "NAME ambiguous"

    def _exchange(self, line: bytes) -> bytes:
        process = self._process or self._start()
        questions, answers = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        questions.write(line)
        answer = b""
        while not answer.endswith(b"\n") and select.select([answers], [], [], _TIMEOUT)[0]:
            read = os.read(answers.fileno(), _MOST)
            if not read:
                break
            answer += read
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            pass_fds=self._inherited,
        )
        self._process = process
        self._end = weakref.finalize(self, _finish, process)
        return process

    def close(self) -> None:
        """End the process; the next question would start another."""
        if self._end is not None:
            self._end()
        self._process = self._end = None


def _finish(process: subprocess.Popen[bytes]) -> None:
    """End a process that waits for a question, or is stuck with one."""
    with contextlib.suppress(OSError):
        process.kill()
    with process:  # closes its pipes, and waits for it
        pass
