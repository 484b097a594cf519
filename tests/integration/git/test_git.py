"""The git seam, on real repositories."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bot.domain.names import CommitSha, SubmodulePath
from bot.git.git import EMPTY_TREE, GitError, GitRepository, run_in_checkout
from bot.git.mirrors import Mirror
from bot.planner.snapshot import Snapshot
from tests.gitworld import commit, git, new_repository


@pytest.fixture
def server(tmp_path: Path) -> Path:
    return new_repository(tmp_path / "server")


def mirror_of(repo: Path, tmp_path: Path) -> Mirror:
    mirror = Mirror(tmp_path / "mirrors/server.git", str(repo))
    mirror.fetch(None)
    return mirror


def test_a_mirror_follows_branches_force_pushes_and_deletions(server: Path, tmp_path: Path) -> None:
    first = commit(server, {"a": "1"})
    git(server, "branch", "extra")
    mirror = mirror_of(server, tmp_path)
    assert mirror.list_refs("refs/heads/") == {"refs/heads/main": first, "refs/heads/extra": first}
    git(server, "branch", "-D", "extra")
    commit(server, {"a": "2"})
    git(server, "reset", "--quiet", "--hard", first)
    rewritten = commit(server, {"a": "3"})
    mirror.fetch(None)
    assert mirror.list_refs("refs/heads/") == {"refs/heads/main": rewritten}


def test_a_damaged_mirror_is_cloned_anew(server: Path, tmp_path: Path) -> None:
    head = commit(server, {"a": "1"})
    mirror = mirror_of(server, tmp_path)
    for pack in (mirror.git_dir / "objects").rglob("*"):
        if pack.is_file():
            pack.unlink()
    mirror.fetch(None)
    assert mirror.read_file(head, "a") == b"1"


def test_an_upstream_that_is_gone_is_an_error_and_the_mirror_stays(server: Path, tmp_path: Path) -> None:
    head = commit(server, {"a": "1"})
    mirror = mirror_of(server, tmp_path)
    server.rename(tmp_path / "elsewhere")
    with pytest.raises(GitError, match="git fetch failed"):
        mirror.fetch(None)
    assert mirror.read_file(head, "a") == b"1"


def test_fetching_from_many_threads_is_safe(server: Path, tmp_path: Path) -> None:
    head = commit(server, {f"f{i}": str(i) for i in range(50)})
    mirrors = [Mirror(tmp_path / "m.git", str(server)) for _ in range(6)]
    threads = [threading.Thread(target=mirror.fetch, args=(None,)) for mirror in mirrors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mirrors[0].list_refs("refs/heads/") == {"refs/heads/main": head}
    assert mirrors[0].read_file(head, "f49") == b"49"


def test_pins_files_and_odd_names_are_read(server: Path, tmp_path: Path) -> None:
    pin = "1" * 40
    head = commit(server, {"naïve dir/ü [x].txt": "hello", "-dash": "d", "*": "star"}, pins={"sub": pin})
    repo = GitRepository(server / ".git")
    assert repo.pin_at(head, "sub") == pin
    assert repo.pin_at(head, "naïve dir") is None
    assert repo.pin_at(head, "nothing") is None
    assert repo.read_file(head, "naïve dir/ü [x].txt") == b"hello"
    assert repo.read_file(head, "*") == b"star"
    assert repo.read_file(head, "-dash") == b"d"
    assert repo.read_file(head, "naïve dir") is None
    assert repo.resolve("no-such-branch") is None
    assert repo.resolve("--all") is None


def test_several_revisions_are_resolved_as_each_by_itself(server: Path) -> None:
    first = commit(server, {"a": "1\n"})
    repo = GitRepository.of_checkout(server)
    odd = ("HEAD", first, first[:9], "HEAD~50", "nowhere", "", "two\nlines", "HEAD:a", "--all", "a b", "\udcff")
    assert repo.resolve_all(*odd) == {name: None if name == "two\nlines" else repo.resolve(name) for name in odd}
    assert repo.resolve_all("HEAD", first[:9]) == {"HEAD": first, first[:9]: first}


def test_nothing_is_in_the_empty_tree(server: Path) -> None:
    commit(server, {"a": "1\n"})
    assert GitRepository.of_checkout(server).list_tree(EMPTY_TREE, recursive=True) == ()


def test_ancestry_commits_and_changed_files(server: Path) -> None:
    repo = GitRepository(server / ".git")
    first = commit(server, {"a": "1", "b": "1"}, "first")
    second = commit(server, {"a": "2"}, "second: a | b \x1b[31m @ada")
    third = commit(server, {"b": None, "c/d": "1"}, "third\n\nwith a body")
    git(server, "checkout", "--quiet", "-b", "side", first)
    side = commit(server, {"side": "1"}, "side")
    assert repo.is_ancestor(first, third)
    assert not repo.is_ancestor(third, first)
    assert not repo.is_ancestor(side, third)
    assert repo.merge_base(side, third) == first
    assert [c.sha for c in repo.commits_between(first, third, most=10)] == [third, second]
    assert [c.sha for c in repo.commits_between(first, third, most=1)] == [third]
    assert repo.commits_between(first, third, most=10)[1].subject == "second: a | b \x1b[31m @ada"
    assert repo.count_between(first, third) == 2
    assert repo.changed_files(first, third) == ("a", "b", "c/d")
    assert repo.changed_files(None, first) == ("a", "b")
    with pytest.raises(GitError):
        repo.is_ancestor(first, CommitSha("9" * 40))


def test_the_last_change_of_a_pin_is_the_merge_that_brought_it(server: Path) -> None:
    repo = GitRepository(server / ".git")
    commit(server, {"a": "1"}, pins={"sub": "1" * 40})
    git(server, "checkout", "--quiet", "-b", "bump")
    commit(server, {}, pins={"sub": "2" * 40})
    git(server, "checkout", "--quiet", "main")
    commit(server, {"a": "2"})
    git(server, "-c", "merge.ff=false", "merge", "--quiet", "--no-edit", "bump")
    merge = git(server, "rev-parse", "HEAD")
    commit(server, {"a": "3"})
    assert repo.last_change("main", "sub") == merge
    assert repo.last_change("main", "nothing") is None


def test_a_token_reaches_git_by_its_environment_only(server: Path, tmp_path: Path) -> None:
    commit(server, {"a": "1"})
    mirror = Mirror(tmp_path / "m.git", str(server))
    mirror.fetch("ghs_secret")
    held = b"".join(path.read_bytes() for path in mirror.git_dir.rglob("*") if path.is_file())
    assert b"ghs_secret" not in held
    assert b"extraHeader" not in held


def test_a_snapshot_shows_what_a_nodes_checkout_holds(server: Path, tmp_path: Path) -> None:
    pin = commit(server, {"stacks/ingress/docker-compose.yml": "services: {}", "README": "s"})
    fleet = new_repository(tmp_path / "fleet")
    files = {"README": "f", "overlay/x.yml": "x", "overlay-2/x.yml": "x", "overlay0": "x"}
    head = commit(fleet, files, pins={"server": pin})
    snapshot = Snapshot(
        fleet=GitRepository(fleet / ".git"),
        commit=head,
        submodule=SubmodulePath("server"),
        upstream=GitRepository(server / ".git"),
        pin=pin,
    )
    assert snapshot.read("server/stacks/ingress/docker-compose.yml") == b"services: {}"
    assert snapshot.read("README") == b"f"
    assert snapshot.read("server") is None
    assert snapshot.oid("server/stacks") == git(server, "rev-parse", f"{pin}:stacks")
    assert snapshot.oid("server") == git(server, "rev-parse", f"{pin}^{{tree}}")
    assert snapshot.oid("nothing") is None
    assert snapshot.files_under("server") == ("server/README", "server/stacks/ingress/docker-compose.yml")
    assert snapshot.files_under("overlay") == ("overlay/x.yml",)
    assert snapshot.files_under("nothing") == ()
    assert len(snapshot.files_under("")) == 6


def test_a_folder_inside_a_repository_is_no_checkout(server: Path) -> None:
    """A node's folder that is empty yet, in somebody's repository: nothing is done to that one."""
    commit(server, {"stacks/a": "1"})
    with pytest.raises(GitError, match="not a git repository"):
        GitRepository.of_checkout(server / "stacks")
    with pytest.raises(GitError, match="not a git repository"):
        run_in_checkout(server / "stacks", "rev-parse", "HEAD")
    assert GitRepository.of_checkout(server).git_dir == server / ".git"
