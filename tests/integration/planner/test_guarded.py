"""Work in a child ends with its result, its exception, or the limit that it ran into, and nothing is left of it."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from bot.domain.errors import BotError, RetryLater
from bot.git.git import GitError
from bot.planner import guarded
from bot.planner.guarded import Limits, StoppedError, run_guarded

QUICK = Limits(seconds=20, cpu_seconds=1, memory=64 << 20, output=1 << 20)


def children() -> str:
    return Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text()


def burn() -> None:
    while True:
        pass


def nest(depth: int) -> int:
    return nest(depth + 1) + 1


def test_what_work_returns_comes_back() -> None:
    child, found = run_guarded(lambda: (os.getpid(), {"a": b"\0"}), QUICK)
    assert found == {"a": b"\0"}
    assert child != os.getpid()
    assert children() == ""


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (GitError("git fetch failed"), GitError),
        (RetryLater("later", seconds=1), RetryLater),
        (KeyError("a"), KeyError),
    ],
)
def test_what_work_raises_is_raised(problem: Exception, kind: type[Exception]) -> None:
    def work() -> None:
        raise problem

    with pytest.raises(kind) as found:
        run_guarded(work, QUICK)
    assert str(found.value) == str(problem)
    assert getattr(found.value, "seconds", None) == getattr(problem, "seconds", None)


def test_of_an_exception_that_does_not_survive_the_way_the_words_do() -> None:
    class LocalError(Exception):
        """None but this function can make it."""

    def work() -> None:
        raise LocalError("one and two")

    with pytest.raises(BotError, match=r"^one and two$"):
        run_guarded(work, QUICK)


def test_a_fault_of_ours_says_where_it_was() -> None:
    with pytest.raises(ZeroDivisionError) as found:
        run_guarded(lambda: 1 // 0, QUICK)
    assert "test_guarded.py" in found.value.__notes__[0]


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (burn, "it used more than 1 seconds of processor time"),
        (lambda: time.sleep(60), "it took longer than 1 seconds"),
        (lambda: bytearray(1 << 30), "it used more memory than it may"),
        (lambda: nest(0), "it is nested too deeply"),
        (lambda: "x" * (2 << 20), "its result is larger than 1 MiB"),
        (lambda: os.kill(os.getpid(), 9), "it ended with -9"),
    ],
)
def test_a_limit_ends_the_work_and_is_told(work: object, words: str) -> None:
    limits = QUICK._replace(seconds=1) if "longer" in words else QUICK
    with pytest.raises(StoppedError, match=words):
        run_guarded(work, limits)  # type: ignore[arg-type]  # a callable without arguments
    assert children() == ""


def test_the_child_holds_no_file_of_ours(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as file:
        held = Path(f"/proc/self/fd/{file.fileno()}")
        assert str(run_guarded(held.readlink, QUICK)) == "/dev/null"


def test_locks_that_another_thread_holds_do_not_stop_the_child() -> None:
    lock, done = threading.Lock(), threading.Event()
    with lock:
        thread = threading.Thread(target=lambda: done.wait(20))
        thread.start()
        try:
            assert run_guarded(threading.active_count, QUICK) == 1
        finally:
            done.set()
            thread.join()


def test_a_child_stuck_on_a_lock_of_this_process_is_forked_once_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Any thread may hold a lock while another one forks; in the child nobody releases it."""
    monkeypatch.setattr(guarded, "_IDLE_SECONDS", 0.5)
    lock, begun = threading.Lock(), tmp_path / "begun"
    lock.acquire()

    def release() -> None:
        while not begun.exists():
            time.sleep(0.01)
        lock.release()

    def work() -> str:
        begun.touch()
        with lock:
            return "done"

    other = threading.Thread(target=release)
    other.start()
    assert run_guarded(work, QUICK) == "done"
    other.join()
    assert children() == ""


def test_work_that_waits_for_a_process_is_not_stuck(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(guarded, "_IDLE_SECONDS", 1.5)
    runs = tmp_path / "runs"

    def work() -> int:
        with runs.open("a") as file:
            file.write("x")
        return subprocess.run(["sleep", "5"], check=False).returncode

    assert run_guarded(work, QUICK) == 0
    assert runs.read_text() == "x"
