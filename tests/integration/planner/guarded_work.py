"""Pieces of work for the tests of guards: a process of its own has to find them by their names."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import NoReturn

from bot.domain.errors import RetryLater
from bot.planner.guarded import Limits

QUICK = Limits(seconds=20, cpu_seconds=1, memory=64 << 20, output=1 << 20)


def answer() -> tuple[int, int, object]:
    return os.getpid(), os.getppid(), {"a": b"\0"}


def fail(problem: Exception) -> NoReturn:
    raise problem


def fail_later(words: str, seconds: float) -> NoReturn:
    raise RetryLater(words, seconds=seconds)


def fail_by_words() -> NoReturn:
    class LocalError(Exception):
        """None but this function can make it."""

    raise LocalError("one and two")


def divide() -> float:
    return 1 / 0


def burn() -> None:
    while True:
        pass


def sleep() -> None:
    time.sleep(60)


def hoard() -> bytearray:
    return bytearray(1 << 30)


def nest() -> int:
    return nest() + 1


def write_much() -> str:
    return "x" * (2 << 20)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def count_threads() -> tuple[int, int]:
    """Of the child, and of the process that forked it."""
    return threading.active_count(), len(list(Path(f"/proc/{os.getppid()}/task").iterdir()))


def read_environment() -> tuple[dict[str, str], bytes]:
    """The environment, and the command line of the process that forked the child."""
    return dict(os.environ), Path(f"/proc/{os.getppid()}/cmdline").read_bytes()


def open_files() -> list[str]:
    return [str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.exists()]


def touch_and_sleep(path: Path) -> None:
    path.write_text(str(os.getpid()))
    time.sleep(60)


def end_forker_once(path: Path) -> str:
    """Kill the process that forked us, but not that of a second try."""
    try:
        path.open("x").close()
    except FileExistsError:
        return "done"
    end_forker()
    return "never"


def end_forker() -> None:
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)


def sleep_for(seconds: float) -> str:
    time.sleep(seconds)
    return "slept"


def meet(folder: Path, number: int) -> str:
    """Wait for the work of the other number."""
    (folder / str(number)).touch()
    end = time.monotonic() + 15
    while not (folder / str(1 - number)).exists():
        if time.monotonic() > end:
            return "alone"
        time.sleep(0.01)
    return "met"
