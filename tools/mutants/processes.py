"""Run mutants in forked processes with limits of processor time, wall time and memory."""

from __future__ import annotations

import os
import resource
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tools.mutants.source import Mutant

SURVIVED, KILLED, CRASHED, NOT_INSTALLED = 0, 1, 2, 3  # exit codes of a mutant's process
_MEMORY = 2 << 30  # bytes more than the parent has


@dataclass(frozen=True)
class Result:
    """What became of a mutant: `killed` names the test, or is `timeout` or `crash`; empty when it survived."""

    killed: str
    tests: int


@dataclass(frozen=True)
class Trial:
    """A mutant, the tests to run on it in this order, and how long they take without it, in seconds."""

    mutant: Mutant
    tests: list[str]
    seconds: float


Run = Callable[
    [Trial, Callable[[str], None]], int
]  # runs in the forked process; tells the killer; gives the exit code


def run_forked(trials: Sequence[Trial], run: Run, jobs: int) -> Iterator[tuple[Mutant, Result]]:
    """Run each trial in a process of its own, `jobs` at a time; the results come as they end."""
    memory = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + _MEMORY
    waiting = iter(trials)
    running: dict[int, _Running] = {}
    while True:
        while len(running) < jobs and (trial := next(waiting, None)):
            if not trial.tests:
                yield trial.mutant, Result("", 0)
                continue
            started = _start(trial, run, memory)
            running[started.reader] = started
        if not running:
            return
        ready = select.select(list(running), [], [], 1.0)[0]
        late = [one.reader for one in running.values() if time.monotonic() > one.deadline]
        for reader in {*ready, *late}:
            ended = running.pop(reader)
            yield ended.trial.mutant, ended.end(late=reader not in ready)


def fork_child(work: Callable[[int], int]) -> tuple[int, int]:
    """Fork; the child calls `work` with a descriptor to write to and exits with what it returns.

    Returns the child's id and the descriptor to read from.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _work_and_leave(work, reader, writer)
    os.close(writer)
    return child, reader


def _work_and_leave(work: Callable[[int], int], reader: int, writer: int) -> NoReturn:
    code = CRASHED
    try:
        os.close(reader)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        code = work(writer)
    finally:
        os._exit(code)  # never back into the parent's session, whatever was raised


def _start(trial: Trial, run: Run, memory: int) -> _Running:
    def work(writer: int) -> int:
        seconds = int(3 + 5 * trial.seconds)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 2))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

        def tell(name: str) -> None:
            os.write(writer, name.encode()[:4000])

        return run(trial, tell)

    child, reader = fork_child(work)
    return _Running(trial, child, reader, time.monotonic() + 60 + 30 * trial.seconds)


@dataclass(frozen=True)
class _Running:
    trial: Trial
    child: int
    reader: int
    deadline: float

    def end(self, *, late: bool) -> Result:
        """Reap the process: the test that failed, or that it ran too long."""
        if late:
            os.kill(self.child, signal.SIGKILL)
        with os.fdopen(self.reader) as sent:
            killer = sent.read()
        code = os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])
        if code == NOT_INSTALLED:
            raise SystemExit(f"{self.trial.mutant.path}: a mutant of {self.trial.mutant.name} cannot be put in place")
        if code == SURVIVED:
            return Result("", len(self.trial.tests))
        return Result(killer or ("timeout" if code < 0 else "crash"), len(self.trial.tests))
