"""A mirror's branches are read once, and again after anything wrote one of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain.names import CommitSha
from bot.git import git as git_module
from bot.git import known_refs
from bot.git.known_refs import find_heads
from bot.git.mirrors import Mirror
from tests.gitworld import commit, git, new_repository


@pytest.fixture
def server(tmp_path: Path) -> Path:
    repository = new_repository(tmp_path / "server")
    commit(repository, {"a": "1"})
    return repository


@pytest.fixture
def mirror(tmp_path: Path, server: Path) -> Mirror:
    made = Mirror(tmp_path / "mirrors/acme/one.git", str(server))
    made.fetch(None)
    return made


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The verb of each git command that is started from here on."""
    verbs: list[str] = []
    run = git_module._run

    def count(command: list[str], **more: object) -> bytes:
        verbs.append(command[3])
        return run(command, **more)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(git_module, "_run", count)
    return verbs


def head_of(repository: Path, name: str = "HEAD") -> CommitSha:
    return CommitSha(git(repository, "rev-parse", name).strip())


def test_a_branch_that_nothing_moved_starts_git_once(mirror: Mirror, server: Path, started: list[str]) -> None:
    assert {mirror.resolve("refs/heads/main") for _ in range(5)} == {head_of(server)}
    assert started == ["for-each-ref"]


@pytest.mark.parametrize("packed", [False, True])
def test_what_a_fetch_moved_made_and_removed_is_seen(mirror: Mirror, server: Path, packed: bool) -> None:
    git(server, "branch", "old")
    mirror.fetch(None)
    if packed:
        git(mirror.git_dir, "pack-refs", "--all", "--prune")
    assert mirror.resolve("refs/heads/old") == head_of(server)
    commit(server, {"a": "2"})
    git(server, "branch", "-D", "old")
    git(server, "branch", "new/one")
    mirror.fetch(None)
    assert mirror.resolve("refs/heads/main") == mirror.resolve("refs/heads/new/one") == head_of(server)
    assert mirror.resolve("refs/heads/old") is None


def test_a_ref_that_is_written_by_hand_is_seen(mirror: Mirror, server: Path) -> None:
    before = mirror.resolve("refs/heads/main")
    commit(server, {"a": "2"})
    git(mirror.git_dir, "fetch", "--quiet", str(server), "main")
    (mirror.git_dir / "refs/heads/main").write_text(f"{head_of(server)}\n")
    assert mirror.resolve("refs/heads/main") == head_of(server) != before


def test_a_mirror_that_was_made_again_is_another(mirror: Mirror, server: Path, tmp_path: Path) -> None:
    assert mirror.resolve("refs/heads/main") == head_of(server)
    other = new_repository(tmp_path / "other")
    commit(other, {"b": "1"})
    mirror.git_dir.rename(tmp_path / "gone")
    assert mirror.resolve("refs/heads/main") is None
    again = Mirror(mirror.git_dir, str(other))
    again.fetch(None)
    assert mirror.resolve("refs/heads/main") == head_of(other)


def test_of_many_branches_git_reads_each_time(
    mirror: Mirror, server: Path, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_refs, "MOST", 3)
    for number in range(5):
        git(server, "branch", f"b{number}")
    mirror.fetch(None)
    assert find_heads(mirror.git_dir) is None
    git(mirror.git_dir, "pack-refs", "--all", "--prune")
    assert find_heads(mirror.git_dir) is None
    started.clear()
    assert {mirror.resolve("refs/heads/b4") for _ in range(2)} == {head_of(server)}
    assert started == ["rev-parse", "rev-parse"]


def test_refs_that_git_keeps_in_another_format_are_left_to_it(mirror: Mirror) -> None:
    """As it does with `git init --ref-format=reftable`: the refs are in that folder, `refs/heads` is a file."""
    assert find_heads(mirror.git_dir) is not None
    (mirror.git_dir / "reftable").mkdir()
    assert find_heads(mirror.git_dir) is None


def test_revisions_that_only_git_can_read_are_left_to_it(mirror: Mirror, server: Path) -> None:
    commit(server, {"a": "2"})
    mirror.fetch(None)
    assert mirror.resolve("refs/heads/main~1") == head_of(server, "HEAD~1")
    assert mirror.resolve("refs/heads/ma*") is None
    assert mirror.resolve("refs/heads/") is None


def test_a_ref_that_is_a_link_is_left_to_git(mirror: Mirror, server: Path) -> None:
    (mirror.git_dir / "refs/heads/link").symlink_to("main")
    assert find_heads(mirror.git_dir) is None, "what a link leads to changes without the link's own file"
