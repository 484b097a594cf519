"""What an order asks git once, and what it looks at each time."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bot.agent.work_tree import CheckoutError, WorkTree
from bot.domain.names import CommitSha
from bot.git.git import GitError, GitRepository
from bot.git.mirrors import Mirror
from bot.git.remembered import RememberingRepository
from bot.git.safe_git import GitAccess
from tests.gitworld import commit, git, new_repository

ACCESS = GitAccess("https://github.com", None)
Calls = list[tuple[str, ...]]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with one commit, below which a container may write."""
    source = new_repository(tmp_path / "source")
    commit(source, {"a": "1"})
    git(tmp_path, "clone", "--quiet", str(source), "clone")
    return tmp_path / "clone"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Every command that a repository gives git."""
    found: Calls = []
    run = GitRepository.run

    def note(self: GitRepository, *arguments: str, **options: object) -> bytes:
        found.append(arguments)
        return run(self, *arguments, **options)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(GitRepository, "run", note)
    return found


def test_head_is_read_each_time(clone: Path) -> None:
    repository = RememberingRepository(clone / ".git")
    first = repository.resolve("HEAD")
    assert first == git(clone, "rev-parse", "HEAD")
    second = commit(clone, {"a": "2"})
    assert repository.resolve("HEAD") == second
    assert repository.pin_at("HEAD", "a") is None
    git(clone, "checkout", "--quiet", "--detach", str(first))
    assert repository.resolve("HEAD") == first
    git(clone, "checkout", "--quiet", "main")
    assert repository.resolve("HEAD") == second


def test_a_head_without_a_commit_is_none_until_there_is_one(tmp_path: Path) -> None:
    empty = new_repository(tmp_path / "empty")
    repository = RememberingRepository(empty / ".git")
    assert repository.resolve("HEAD") is None
    first = commit(empty, {"a": "1"})
    assert repository.resolve("HEAD") == first


def test_what_a_commit_holds_is_asked_once_and_what_a_branch_holds_each_time(clone: Path, calls: Calls) -> None:
    repository = RememberingRepository(clone / ".git")
    first = CommitSha(git(clone, "rev-parse", "HEAD"))
    second = commit(clone, {"a": "2", "b": "1"})
    for _ in range(2):
        assert repository.read_file(first, "a") == b"1"
        assert repository.read_file(first, "b") is None
        assert [entry.path for entry in repository.list_tree(second)] == ["a", "b"]
        assert repository.changed_files(first, second) == ("a", "b")
        assert repository.is_ancestor(first, second)
        assert not repository.is_ancestor(second, first)
        assert repository.resolve(second) == second
    asked = len(calls)
    assert repository.read_file("main", "a") == b"2"
    third = commit(clone, {"a": "3"})
    assert repository.read_file("main", "a") == b"3"
    assert repository.resolve("main") == third
    assert len(calls) > asked


def test_a_commit_that_is_not_here_is_looked_for_again(clone: Path) -> None:
    tree = WorkTree(clone, ACCESS)
    new = commit(clone.parent / "source", {"a": "2"})
    assert tree.repository.resolve(new) is None
    tree.fetch()
    assert tree.repository.resolve(new) == new


def test_a_program_that_appears_during_an_order_is_refused(clone: Path) -> None:
    tree = WorkTree(clone, ACCESS)
    tree.git("ls-files")
    git(clone, "config", "remote.origin.uploadpack", "EVIL")
    with pytest.raises(CheckoutError, match="uploadpack"):
        tree.git("ls-files")


def test_an_error_of_git_is_not_remembered(clone: Path) -> None:
    repository = RememberingRepository(clone / ".git")
    with pytest.raises(GitError):
        repository.list_tree("d" * 40)
    with pytest.raises(GitError):
        repository.list_tree("d" * 40)


def test_a_mirror_asks_once_what_a_commit_holds_each_time_what_a_branch_does(tmp_path: Path, calls: Calls) -> None:
    server = new_repository(tmp_path / "server")
    first = commit(server, {"a": "1"})
    mirror = Mirror(tmp_path / "mirrors/server.git", str(server))
    with pytest.raises(GitError):
        mirror.entry("d" * 40, "a")
    mirror.fetch(None)
    before = mirror.entry("main", "a")
    count = len(calls)
    assert mirror.entry(first, "a") == mirror.entry(first, "a") == before
    assert mirror.entry(first, "b") is None
    assert mirror.entry(first, "b") is None
    assert len(calls) == count + 2
    commit(server, {"a": "2", "b": "1"})
    mirror.fetch(None)
    assert mirror.entry("main", "a") != before
    assert mirror.entry("main", "b") is not None
    assert mirror.entry(first, "a") == before


def test_a_forged_tree_does_not_leave_the_export(clone: Path, tmp_path: Path) -> None:
    """A symlink and a folder of one name: git writes no such tree, and fetches one without a word."""
    (tmp_path / "target").write_text(str(tmp_path / "elsewhere"))
    (tmp_path / "elsewhere").mkdir()
    link = git(clone, "hash-object", "-w", str(tmp_path / "target"))
    commit(clone, {"b": "escaped"})
    folder = git(clone, "rev-parse", "HEAD^{tree}")
    entries = b"120000 a\0" + bytes.fromhex(link) + b"40000 a\0" + bytes.fromhex(folder)
    hashed = ["git", "-C", str(clone), "hash-object", "-t", "tree", "-w", "--literally", "--stdin"]
    tree = subprocess.run(hashed, input=entries, capture_output=True, check=True).stdout.decode().strip()
    head = CommitSha(git(clone, "commit-tree", tree, "-m", "forged"))
    WorkTree(clone, ACCESS).export(head, tmp_path / "export")
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert not (tmp_path / "export/a").is_symlink(), "what is written below it would lie elsewhere"


def test_a_commit_of_a_mirror_is_resolved_once(tmp_path: Path, calls: Calls) -> None:
    source = new_repository(tmp_path / "source")
    first = commit(source, {"a": "1"})
    mirror = Mirror(tmp_path / "mirrors/acme/one.git", str(source))
    mirror.fetch(None)
    assert mirror.resolve(first) == first
    second = commit(source, {"a": "2"})
    calls.clear()
    assert mirror.resolve(first) == first
    assert not calls
    assert mirror.resolve(second) is None, "not here yet"
    mirror.fetch(None)
    assert mirror.resolve(second) == second
    assert mirror.resolve("main") == second


def test_a_mirror_that_is_cloned_again_has_no_more_than_it_cloned(tmp_path: Path) -> None:
    source = new_repository(tmp_path / "source")
    first = commit(source, {"a": "1"})
    second = commit(source, {"a": "2"})
    mirror = Mirror(tmp_path / "mirrors/acme/one.git", str(source))
    mirror.fetch(None)
    assert mirror.resolve(second) == second
    shutil.rmtree(mirror.git_dir)
    assert mirror.resolve(second) is None
    git(source, "reset", "--quiet", "--hard", first)
    mirror.fetch(None)
    assert mirror.resolve(first) == first
    assert mirror.resolve(second) is None


def test_a_commit_that_was_pruned_is_not_here(tmp_path: Path) -> None:
    source = new_repository(tmp_path / "source")
    first = commit(source, {"a": "1"})
    mirror = Mirror(tmp_path / "mirrors/acme/one.git", str(source))
    mirror.fetch(None)
    second = commit(source, {"a": "2"})
    mirror.fetch(None)
    git(source, "reset", "--quiet", "--hard", first)
    mirror.fetch(None)
    assert mirror.resolve(second) == second, "on no branch, but here"
    mirror.run("prune", "--expire=now", environment={})
    assert mirror.resolve(second) is None


def test_a_commit_whose_pack_is_gone_is_not_here(tmp_path: Path) -> None:
    source = new_repository(tmp_path / "source")
    first = commit(source, {"a": "1"})
    mirror = Mirror(tmp_path / "mirrors/acme/one.git", str(source))
    mirror.fetch(None)
    mirror.run("repack", "-a", "-d", "--quiet", environment={})
    assert mirror.resolve(first) == first
    for file in (mirror.git_dir / "objects/pack").iterdir():
        file.unlink()
    assert mirror.resolve(first) is None
