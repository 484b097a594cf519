"""An error of git holds the line in which git says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.git.git import GitError, GitRepository, run_in_checkout
from tests.gitworld import commit, git, new_repository


def reason(folder: Path, *arguments: str) -> str:
    with pytest.raises(GitError) as caught:
        run_in_checkout(folder, *arguments)
    return str(caught.value)


def test_the_first_line_that_says_what_failed(tmp_path: Path) -> None:
    tmp_path = tmp_path / "work"
    new_repository(tmp_path)
    git(tmp_path, "remote", "add", "origin", str(tmp_path / "nowhere.git"))
    assert reason(tmp_path, "fetch", "origin") == (
        f"git fetch failed: fatal: '{tmp_path}/nowhere.git' does not appear to be a git repository"
    )


def test_the_files_that_are_in_the_way_are_named(tmp_path: Path) -> None:
    tmp_path = tmp_path / "work"
    new_repository(tmp_path)
    commit(tmp_path, {"README.md": "one\n"})
    commit(tmp_path, {f"{number}.txt": "tracked\n" for number in range(7)})
    git(tmp_path, "checkout", "--quiet", "HEAD~1")
    for number in range(7):
        (tmp_path / f"{number}.txt").write_text("untracked\n")
    assert reason(tmp_path, "checkout", "--quiet", "main") == (
        "git checkout failed: error: The following untracked working tree files would be overwritten by checkout: "
        "0.txt, 1.txt, 2.txt, 3.txt, 4.txt"
    )


def test_what_ssh_said(tmp_path: Path) -> None:
    tmp_path = tmp_path / "work"
    new_repository(tmp_path)
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\necho 'git@host: Permission denied (publickey).' >&2\nexit 255\n")
    ssh.chmod(0o755)
    git(tmp_path, "config", "core.sshCommand", str(ssh))
    assert reason(tmp_path, "fetch", "ssh://git@host/x.git") == (
        "git fetch failed: git@host: Permission denied (publickey). (fatal: Could not read from remote repository.)"
    )


@pytest.mark.parametrize("folder", [".", "a"])
def test_the_command_that_failed_is_named_and_not_where(
    tmp_path: Path, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GitError, match="git rev-parse failed: fatal: not a git repository"):
        GitRepository.of_checkout(Path(folder))
    with pytest.raises(GitError, match="git rev-parse failed: fatal: not a git repository"):
        GitRepository(Path(folder)).tree_of("HEAD")
