"""Work in a child ends with its result, its exception, or the limit that it ran into, and nothing is left of it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from bot.domain.errors import BotError, RetryLater
from bot.git.git import GitError
from bot.planner.forkserver import ForkServer
from bot.planner.guarded import ChildRunner, ForkGuard, StoppedError, run_guarded
from tests.integration.planner import guarded_work as works
from tests.integration.planner.guarded_work import QUICK


def children() -> str:
    return Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text()


@pytest.fixture(params=["fork", "server"], scope="module")
def guard(request: pytest.FixtureRequest) -> Iterator[ChildRunner]:
    """Each way to have a child: of this process, and of a process of its own."""
    if request.param == "fork":
        yield run_guarded
        return
    server = ForkServer()
    yield server
    server.close()


def test_what_work_returns_comes_back(guard: ChildRunner) -> None:
    child, parent, found = guard(works.answer, QUICK)
    assert found == {"a": b"\0"}
    assert child not in (os.getpid(), parent)
    assert (parent == os.getpid()) == (guard is run_guarded)
    assert str(child) not in children().split()


@pytest.mark.parametrize(
    ("work", "kind", "words", "seconds"),
    [
        (partial(works.fail, GitError("git fetch failed")), GitError, "git fetch failed", None),
        (partial(works.fail_later, "later", 1.5), RetryLater, "later", 1.5),
        (partial(works.fail, KeyError("a")), KeyError, "'a'", None),
    ],
)
def test_what_work_raises_is_raised(
    guard: ChildRunner, work: Callable[[], object], kind: type[Exception], words: str, seconds: float | None
) -> None:
    with pytest.raises(kind) as found:
        guard(work, QUICK)
    assert str(found.value) == words
    assert getattr(found.value, "seconds", None) == seconds


def test_of_an_exception_that_does_not_survive_the_way_the_words_do(guard: ChildRunner) -> None:
    with pytest.raises(BotError, match=r"^one and two$"):
        guard(works.fail_by_words, QUICK)


def test_a_fault_of_ours_says_where_it_was(guard: ChildRunner) -> None:
    with pytest.raises(ZeroDivisionError) as found:
        guard(works.divide, QUICK)
    assert "guarded_work.py" in found.value.__notes__[0]


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (works.burn, "it used more than 1 seconds of processor time"),
        (works.sleep, "it took longer than 1 seconds"),
        (works.hoard, "it used more memory than it may"),
        (works.nest, "it is nested too deeply"),
        (works.write_much, "its result is larger than 1 MiB"),
        (works.die, "it ended with -9"),
    ],
)
def test_a_limit_ends_the_work_and_is_told(guard: ChildRunner, work: Callable[[], object], words: str) -> None:
    limits = QUICK._replace(seconds=1) if "longer" in words else QUICK
    before = children()
    with pytest.raises(StoppedError, match=words):
        guard(work, limits)
    assert children() == before


def test_the_child_holds_no_file_of_ours(guard: ChildRunner, tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w"):
        assert str(tmp_path / "lock") not in guard(works.open_files, QUICK)


def test_the_child_has_one_thread(guard: ChildRunner) -> None:
    done = threading.Event()
    thread = threading.Thread(target=lambda: done.wait(20))
    thread.start()
    try:
        own, forking = guard(works.count_threads, QUICK)
    finally:
        done.set()
        thread.join()
    assert own == 1
    assert forking == 1 or guard is run_guarded


def test_a_fork_that_is_waited_for_says_so() -> None:
    ticks: list[int] = []
    guard = ForkGuard(lambda: ticks.append(1))
    assert guard(partial(works.sleep_for, 0.35), QUICK) == "slept"
    assert ticks
    with pytest.raises(StoppedError, match="it took longer than 1 seconds"):
        guard(works.sleep, QUICK._replace(seconds=1))
