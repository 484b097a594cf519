"""One git process answers for many names, each time as the repository is then."""

from __future__ import annotations

import gc
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.agent.checkout import Checkout, CheckoutPosition
from bot.agent.work_tree import WorkTree
from bot.git.git import GitRepository
from bot.git.remembered import RememberingRepository
from bot.git.safe_git import GitAccess
from tests.gitworld import commit, git, new_repository

pytestmark = pytest.mark.skipif(os.name != "posix", reason="on Windows each name is a process of its own")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Every process that is started."""
    found: list[subprocess.Popen[bytes]] = []
    begin: Callable[..., None] = subprocess.Popen.__init__

    def note(self: subprocess.Popen[bytes], *arguments: object, **options: object) -> None:
        found.append(self)
        begin(self, *arguments, **options)

    monkeypatch.setattr(subprocess.Popen, "__init__", note)
    yield found
    assert all(process.poll() is not None for process in found)


def test_twenty_questions_take_one_process_which_ends_with_its_repository(
    tmp_path: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    source = new_repository(tmp_path / "source")
    first = commit(source, {"a": "1"})
    repository = RememberingRepository(source / ".git")
    started.clear()
    for number in range(10):
        assert repository.resolve("HEAD") == first
        assert repository.resolve(f"refs/heads/{number}") is None
    assert len(started) == 1
    assert started[0].poll() is None
    del repository
    gc.collect()
    assert started[0].poll() is not None


def test_what_came_after_the_first_question_is_found(tmp_path: Path) -> None:
    source = new_repository(tmp_path / "source")
    first = commit(source, {"a": "1"})
    git(tmp_path, "clone", "--quiet", "--bare", str(source), "mirror")
    repository = RememberingRepository(tmp_path / "mirror")
    assert repository.resolve("main") == first
    second = commit(source, {"a": "2"})
    assert repository.resolve(second) is None
    git(tmp_path / "mirror", "fetch", "--quiet", str(source), "+main:main")
    assert repository.resolve(second) == repository.resolve("main") == second
    third = commit(source, {"a": "3"})
    git(tmp_path / "mirror", "fetch", "--quiet", str(source), "+main:main")
    git(tmp_path / "mirror", "gc", "--quiet", "--prune=now")  # everything lies in one pack, each ref in one file
    assert repository.resolve(third) == repository.resolve("main") == third
    git(tmp_path / "mirror", "update-ref", "-d", "refs/heads/main")
    assert repository.resolve("main") is None


@pytest.mark.parametrize("name", ["a\nHEAD", "x" * 5000, "", "HEAD:a", "HEAD^{tree}", "-x", "HEAD^{/no such}"])
def test_every_name_stands_for_what_git_says_of_it_alone(tmp_path: Path, name: str) -> None:
    source = new_repository(tmp_path / "source")
    commit(source, {"a": "1"})
    asked = RememberingRepository(source / ".git")
    assert asked.resolve(name) == GitRepository(source / ".git").resolve(name)
    assert asked.resolve("HEAD") is not None


def test_a_damaged_object_ends_the_process_and_not_the_answers(tmp_path: Path) -> None:
    source = new_repository(tmp_path / "source")
    first = commit(source, {"a": "1"})
    second = commit(source, {"a": "2"})
    path = source / ".git/objects" / second[:2] / second[2:]
    path.chmod(0o644)
    path.write_bytes(b"no object")
    repository = RememberingRepository(source / ".git")
    assert repository.resolve(second) is None
    assert repository.resolve("HEAD") is None
    assert repository.resolve(first) == first


def test_a_repository_that_is_made_later_is_found(tmp_path: Path) -> None:
    repository = RememberingRepository(tmp_path / "source/.git")
    assert repository.resolve("HEAD") is None
    first = commit(new_repository(tmp_path / "source"), {"a": "1"})
    assert repository.resolve("HEAD") == first


def test_git_that_does_not_answer_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = new_repository(tmp_path / "source")
    first = commit(source, {"a": "1"})
    repository = RememberingRepository(source / ".git")
    monkeypatch.setattr("bot.git.resolver._TIMEOUT", 0)
    assert repository.resolve("HEAD") == first  # by a process of its own


def test_a_repository_that_was_closed_holds_nothing_open_and_answers_again(
    tmp_path: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    source = new_repository(tmp_path / "source")
    first = commit(source, {"a": "1"})
    tree = WorkTree(source, GitAccess("https://github.com", None))
    tree.close()
    assert tree.head == first
    tree.close()
    assert all(process.poll() is not None for process in started)
    assert tree.head == first
    tree.close()


def test_a_checkout_that_goes_holds_nothing_open(tmp_path: Path, started: list[subprocess.Popen[bytes]]) -> None:
    source = new_repository(tmp_path / "source")
    first = commit(source, {"a": "1"})
    checkout = Checkout(source, GitAccess("https://github.com", None))
    gc.disable()
    try:
        assert checkout.position("server") == CheckoutPosition(first, None)
        assert any(process.poll() is None for process in started)
        del checkout
        assert all(process.poll() is not None for process in started)
    finally:
        gc.enable()
