"""The clone of a machine that joins: made whole or not at all, checked where there is one, read from its base."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from bot.domain.errors import BotError
from bot.domain.names import BranchName, NodeName, RepoName
from bot.fleetfile import Platform
from bot.onboarding.join.clone import JOINING, FleetClone
from bot.protocol.invitation import Invitation
from tests.gitworld import commit, git, new_repository

FLEET_FILE = ".github/aios-bot.yml"


class Joining:
    """A fleet's repository below `hub`, with a fleet file on main alone, and a machine that joins."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, folder / "root"
        self.log: list[str] = []
        self.work = new_repository(folder / "work")
        commit(self.work, {"README.md": "stacks\n"})
        git(self.work, "branch", "old")
        commit(self.work, {FLEET_FILE: "version: 1\nnodes:\n  LAB:\n    root: /srv/x\n", "a/b.txt": "b\n"})
        self.hub = folder / "hub"
        self.publish("acme/fleet")

    def publish(self, name: str) -> None:
        git(self.folder, "clone", "--quiet", "--bare", str(self.work), str(self.hub / f"{name}.git"))

    def clone(self, base: str = "main", *, environment: dict[str, str] | None = None) -> FleetClone:
        invitation = Invitation(
            fleet=RepoName("acme/fleet"),
            node=NodeName("LAB"),
            platform=Platform.LINUX,
            base=BranchName(base),
            root=str(self.root),
            labels=("LAB",),
            key="",
            web_url=str(self.hub),
        )
        return FleetClone(invitation, self.root, environment or dict(os.environ), self.log.append)

    def assert_joined(self) -> None:
        one = self.clone()
        one.bring()
        assert [node.name for node in one.read_fleet().nodes] == ["LAB"]
        assert (self.root / "a/b.txt").read_text() == "b\n"
        assert not (self.root / JOINING).exists()
        assert git(self.root, "status", "--porcelain") == ""


@pytest.fixture
def joining(tmp_path: Path) -> Joining:
    return Joining(tmp_path)


def test_a_new_clone_comes_whole_and_is_checked_when_the_command_is_pasted_again(joining: Joining) -> None:
    joining.assert_joined()
    assert joining.log[-1] == f"ok   cloned into {joining.root}"
    joining.assert_joined()
    assert joining.log[-1] == f"ok   {joining.root} exists already"


def test_a_clone_that_broke_off_is_made_again(joining: Joining) -> None:
    (joining.root / JOINING / "clone/.git").mkdir(parents=True)
    (joining.root / JOINING / "clone/README.md").touch()
    joining.assert_joined()


def test_a_clone_that_was_moved_in_part_is_moved_on(joining: Joining) -> None:
    joining.assert_joined()
    whole = joining.root / JOINING / "whole"
    whole.mkdir(parents=True)
    for name in (".git", "a"):  # the rest is in its place
        (joining.root / name).rename(whole / name)
    joining.assert_joined()
    whole.mkdir(parents=True)  # ended right after the last move
    joining.assert_joined()


def test_a_failed_clone_leaves_nothing_that_looks_like_one(joining: Joining) -> None:
    with pytest.raises(BotError, match=r"git exited with 128: .* has a branch nowhere; `git clone` by hand"):
        joining.clone("nowhere").bring()
    assert not (joining.root / ".git").exists()
    joining.assert_joined()


def test_the_fleet_file_is_that_of_the_base_whatever_is_checked_out(joining: Joining) -> None:
    git(joining.folder, "clone", "--quiet", "--branch", "old", str(joining.hub / "acme/fleet.git"), str(joining.root))
    assert not (joining.root / FLEET_FILE).exists()
    one = joining.clone()
    one.bring()
    assert [node.name for node in one.read_fleet().nodes] == ["LAB"]
    assert git(joining.root, "rev-parse", "--abbrev-ref", "HEAD").strip() == "old"


def test_a_clone_of_one_branch_gets_the_base(joining: Joining) -> None:
    address = f"file://{joining.hub}/acme/fleet.git"
    git(joining.folder, "clone", "--quiet", "--single-branch", "--branch", "old", address, str(joining.root))
    one = joining.clone()
    one.bring()
    assert [node.name for node in one.read_fleet().nodes] == ["LAB"]


def test_a_base_without_a_fleet_file_is_said(joining: Joining) -> None:
    one = joining.clone("old")
    one.bring()
    with pytest.raises(BotError, match=f"origin/old of {joining.root} has no {FLEET_FILE}: `aios-bot fleet init`"):
        one.read_fleet()


def test_a_base_that_is_nowhere_is_said(joining: Joining) -> None:
    joining.assert_joined()
    with pytest.raises(BotError, match=r"elsewhere cannot be fetched .* run `git -C .* fetch origin elsewhere`"):
        joining.clone("elsewhere").bring()


def test_a_repository_that_is_away_leaves_what_was_fetched_last(joining: Joining) -> None:
    joining.assert_joined()
    (joining.hub / "acme/fleet.git").rename(joining.hub / "acme/gone.git")
    joining.assert_joined()
    assert "main could not be fetched" in joining.log[-2]


@pytest.mark.parametrize("kind", ["another", "none", "broken"])
def test_a_folder_of_something_else_is_refused(joining: Joining, kind: str) -> None:
    if kind == "another":
        joining.publish("acme/other")
        git(joining.folder, "clone", "--quiet", str(joining.hub / "acme/other.git"), str(joining.root))
    elif kind == "none":
        commit(new_repository(joining.root), {"a": "a"})
    else:
        (joining.root / ".git").mkdir(parents=True)
    words = "its origin is another" if kind == "another" else "it has no origin"
    with pytest.raises(BotError, match=f"is no clone of acme/fleet: {words}; move it away, or add"):
        joining.clone().bring()


def test_a_folder_that_is_in_the_way_is_refused_before_anything_is_cloned(joining: Joining) -> None:
    (joining.root / "photos").mkdir(parents=True)
    with pytest.raises(BotError, match="is neither empty nor a clone"):
        joining.clone().bring()


def test_without_git_the_cure_is_said(joining: Joining, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_git(*_: object, **__: object) -> subprocess.CompletedProcess[bytes]:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(subprocess, "run", no_git)
    with pytest.raises(BotError, match=r"cannot run git \(No such file or directory\)"):
        joining.clone().bring()
