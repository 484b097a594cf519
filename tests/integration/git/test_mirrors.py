"""Mirrors within their bound, damaged ones thrown away, and what a power cut left."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from filelock import FileLock

from bot.git import mirrors
from bot.git.git import GitError
from bot.git.mirrors import Mirror
from tests.gitworld import commit, git, new_repository


@pytest.fixture
def server(tmp_path: Path) -> Path:
    repository = new_repository(tmp_path / "server")
    commit(repository, {"a": "x" * 10_000})
    return repository


def mirror(tmp_path: Path, server: Path, name: str) -> Mirror:
    made = Mirror(tmp_path / f"mirrors/acme/{name}.git", str(server))
    made.fetch(None)
    return made


def age(one: Mirror, seconds: float) -> None:
    at = time.time() - seconds
    os.utime(f"{one.git_dir}.lock", (at, at))


def test_the_ones_not_fetched_for_longest_go_first(tmp_path: Path, server: Path) -> None:
    made = [mirror(tmp_path, server, name) for name in ("one", "two", "three", "busy", "locked")]
    for number, one in enumerate(made):
        age(one, 100_000 - number)
    age(made[3], 10)
    each = mirrors.measure(made[0].git_dir)
    with FileLock(f"{made[0].git_dir}.lock"):
        used = mirrors.shrink(tmp_path / "mirrors", max_bytes=int(each * 3.5))
    assert [one.git_dir.exists() for one in made] == [True, False, False, True, True], "the first was being fetched"
    assert used <= each * 3.5
    mirrors.shrink(tmp_path / "mirrors", max_bytes=0)
    assert [one.git_dir.exists() for one in made] == [False, False, False, True, False]
    made[0].fetch(None)
    assert made[0].list_refs("refs/heads/")


def test_a_mirror_that_lacks_objects_is_thrown_away_and_cloned_anew(tmp_path: Path, server: Path) -> None:
    good, bad = mirror(tmp_path, server, "good"), mirror(tmp_path, server, "bad")
    for file in (bad.git_dir / "objects").rglob("*"):
        if file.is_file():
            file.unlink()
    bad.run("config", "gc.auto", "0")
    with pytest.raises(GitError):
        bad.run("cat-file", "-t", "refs/heads/main")
    assert mirrors.remove_damaged([good, bad]) == ("bad.git",)
    bad.fetch(None)
    assert bad.read_file("main", "a") == b"x" * 10_000


def test_a_lock_that_a_power_cut_left_holds_nothing_up(tmp_path: Path, server: Path) -> None:
    one = mirror(tmp_path, server, "one")
    stale = one.git_dir / "refs/heads/main.lock"
    stale.write_text("")
    at = time.time() - 3600
    os.utime(stale, (at, at))
    pin = commit(server, {"a": "2"})
    with pytest.raises(GitError):
        one.fetch(None, repair=False)
    one.fetch(None)
    assert one.resolve("main") == pin


def test_a_list_of_refs_that_a_power_cut_left_half_written_holds_nothing_up(tmp_path: Path, server: Path) -> None:
    git(server, "branch", "topic")
    one = mirror(tmp_path, server, "one")
    one.run("pack-refs", "--all", environment={})
    stale = one.git_dir / "packed-refs.new"
    stale.write_text("")
    at = time.time() - 3600
    os.utime(stale, (at, at))
    git(server, "branch", "-D", "topic")
    with pytest.raises(GitError, match=r"packed-refs\.new"):
        one.fetch(None, repair=False)
    one.fetch(None)
    assert one.resolve("topic") is None
