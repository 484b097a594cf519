"""Whose head the bump's branch has is decided by the commit, never by the names in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain.names import BranchName, CommitSha, RepoName, SubmodulePath
from bot.features.bump import store
from bot.features.bump.read import find_strangers
from bot.features.bump.store import HEADS_KEPT, PlanStore
from bot.git.git import GitRepository
from bot.storage.store import Store
from tests.gitworld import commit, git, new_repository

PATH = SubmodulePath("server")
OLD, PIN, OTHER = (CommitSha(digit * 40) for digit in "123")
FLEET, BRANCH = RepoName("Acme/fleet"), BranchName("aios-bot/main/server")
BOT = "aios-bot[bot]"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A fleet whose base pins OLD; the bump's branch is checked out, and pins PIN."""
    folder = tmp_path / "fleet"
    new_repository(folder)
    commit(folder, {"node/overlay.yml": "services: {}\n"}, pins={"server": OLD})
    git(folder, "branch", "base")
    commit(folder, {}, pins={"server": PIN})
    return folder


def strangers(work: Path, pushed: dict[CommitSha, CommitSha]) -> tuple[str, ...]:
    mirror = GitRepository(work / ".git")
    base, head = (mirror.resolve(name) for name in ("base", "HEAD"))
    assert base
    assert head
    return find_strangers(mirror, base, head, path=PATH, pushed=pushed)


def head(work: Path) -> CommitSha:
    return CommitSha(git(work, "rev-parse", "HEAD").strip())


def test_the_commit_that_we_pushed_is_ours(work: Path) -> None:
    assert strangers(work, {head(work): PIN}) == ()


def test_a_branch_of_before_we_kept_what_we_pushed_is_ours_if_it_only_moves_the_pin(work: Path) -> None:
    assert strangers(work, {}) == ()


def test_the_bots_name_in_a_commit_says_nothing(work: Path) -> None:
    pushed = {head(work): PIN}
    commit(work, {"node/overlay.yml": "services: {web: {privileged: true}}\n"})
    git(work, "commit", "--quiet", "--amend", "--no-edit", "--author", f"{BOT} <bot@example.com>")
    assert strangers(work, pushed) == (BOT,)
    assert BOT in strangers(work, {})


def test_a_merge_of_the_base_by_the_button_stays_ours(work: Path) -> None:
    pushed = {head(work): PIN}
    git(work, "checkout", "--quiet", "base")
    commit(work, {"README.md": "more\n"})
    git(work, "checkout", "--quiet", "-")
    git(work, "merge", "--quiet", "--no-edit", "base")
    assert strangers(work, pushed) == ()


def test_a_merge_that_brings_more_than_the_base_is_a_strangers(work: Path) -> None:
    pushed = {head(work): PIN}
    git(work, "checkout", "--quiet", "base")
    commit(work, {"README.md": "more\n"})
    git(work, "checkout", "--quiet", "-")
    git(work, "merge", "--quiet", "--no-commit", "--no-ff", "base")
    (work / "node/overlay.yml").write_text("services: {web: {privileged: true}}\n")
    git(work, "add", "--all", "node")
    git(work, "commit", "--quiet", "--message", "Merge branch 'base'", "--author", f"{BOT} <bot@example.com>")
    assert strangers(work, pushed) == (BOT,)


def test_another_pin_is_a_strangers_once_we_know_what_we_pushed(work: Path) -> None:
    pushed = {head(work): PIN}
    commit(work, {}, pins={"server": OTHER})
    assert strangers(work, pushed) == ("ada",)


def test_the_newest_commits_that_were_pushed_are_kept(tmp_path: Path) -> None:
    plans = PlanStore(Store(f"sqlite:///{tmp_path}/bot.db", (store.TABLES,)))
    assert plans.find_pushed(FLEET, BRANCH) == {}
    heads = [CommitSha(f"{number:040x}") for number in range(HEADS_KEPT + 1)]
    for one in heads:
        plans.note_pushed(FLEET, BRANCH, one, pin=PIN)
    found = plans.find_pushed(RepoName("acme/Fleet"), BRANCH)
    assert found == dict.fromkeys(reversed(heads[1:]), PIN)
    assert plans.find_pushed(FLEET, BranchName("aios-bot/main/other")) == {}
