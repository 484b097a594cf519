"""A person's own pull request in a fleet: which job it calls for, and what its check says without a plan."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from bot.domain.events import PullRequestChanged
from bot.domain.names import BranchName, CommitSha, NodeName, PullNumber
from bot.features.bump.jobs import CloseLeftBump, PlanPull, SyncBump, triggers
from bot.features.bump.pull import find_added_nodes
from bot.features.bump.text import render_group_check, render_no_pin, render_unplanned
from bot.features.fleets.jobs import ListedPull, PullsListed
from bot.features.fleets.store import Pins
from bot.fleetfile import FLEET_FILE
from bot.fleetfile.problems import YamlFileError
from bot.git.git import GitRepository
from bot.service.router import decode_job, encode_job
from tests.gitworld import commit, new_repository
from tests.unit.service.test_router import OTHER, SEVEN, WIN, bump, pin

HEAD = CommitSha("1" * 40)
INDEX = Pins([pin(WIN, base="main"), pin(WIN, base="main", submodule="tools")])
MAIN, OWN = BranchName("main"), BranchName("aios-bot/main/server")
PLANNED = PlanPull(fleet=WIN, installation=SEVEN, base=MAIN, head=HEAD, number=PullNumber(3))
NODES = tuple(NodeName(f"HP_{number}") for number in range(25))


def changed(action: str = "opened", head: str = "mine", **more: object) -> PullRequestChanged:
    event = PullRequestChanged(
        repo=WIN,
        installation=SEVEN,
        number=PullNumber(3),
        action=action,
        base=MAIN,
        head=BranchName(head),
        merged=False,
        head_commit=HEAD,
    )
    return msgspec.structs.replace(event, **more)


@pytest.mark.parametrize("action", ["opened", "reopened", "synchronize", "edited"])
def test_its_head_is_planned(action: str) -> None:
    assert triggers(changed(action), INDEX) == [PLANNED]
    assert decode_job(encode_job(PLANNED)) == PLANNED


def test_a_closed_one_is_not() -> None:
    assert triggers(changed("closed"), INDEX) == []


def test_a_pull_request_of_no_fleet_is_not() -> None:
    assert triggers(changed(repo=OTHER), INDEX) == []


def test_an_event_of_an_older_version_names_no_commit() -> None:
    assert triggers(changed(head_commit=None), INDEX) == []


def test_a_bump_is_synced_and_not_planned_twice() -> None:
    assert triggers(changed(head=OWN), INDEX) == [bump()]


def test_a_forks_branch_may_have_the_name_of_a_bumps() -> None:
    found = triggers(changed(head=OWN, from_fork=True), INDEX)
    assert found == [bump(), PLANNED]
    assert isinstance(found[0], SyncBump)


def test_listed_ones_are_planned_too() -> None:
    mine = ListedPull(number=PullNumber(3), base=MAIN, head=BranchName("mine"), commit=HEAD)
    ours = ListedPull(number=PullNumber(4), base=MAIN, head=OWN, commit=HEAD)
    theirs = msgspec.structs.replace(ours, number=PullNumber(5), from_fork=True)
    listed = PullsListed(repo=WIN, installation=SEVEN, numbers=(), pulls=(mine, ours, theirs))
    assert triggers(listed, INDEX) == [PLANNED, msgspec.structs.replace(PLANNED, number=PullNumber(5))]
    left = CloseLeftBump(fleet=OTHER, installation=SEVEN, base=MAIN, branch=OWN, commit=HEAD, number=PullNumber(4))
    assert triggers(msgspec.structs.replace(listed, repo=OTHER), INDEX) == [left]


def test_a_branch_that_no_pin_has_is_looked_at() -> None:
    """Only one that is called like ours, and in the fleet itself."""
    was = BranchName("aios-bot/master/server")
    left = ListedPull(number=PullNumber(3), base=MAIN, head=was, commit=HEAD)
    theirs = msgspec.structs.replace(left, number=PullNumber(5), from_fork=True)
    listed = PullsListed(repo=WIN, installation=SEVEN, numbers=(), pulls=(left, theirs))
    found = [job for job in triggers(listed, INDEX) if isinstance(job, CloseLeftBump)]
    assert [(job.number, job.branch) for job in found] == [(3, was)]


def test_nothing_moves() -> None:
    check = render_no_pin()
    assert (check.conclusion, check.title, check.text) == ("success", "Moves no pin", "")
    assert check.summary == "Moves no pin: merging deploys nothing."


def test_nodes_are_added() -> None:
    check = render_no_pin(added=NODES[:1])
    assert (check.conclusion, check.title) == ("success", "Moves no pin, adds 1 node")
    assert check.summary == (
        "Moves no pin. These nodes will be deployed at the branch's pin once this is merged: <code>HP_0</code>."
    )
    assert render_no_pin(added=NODES[:2]).title == "Moves no pin, adds 2 nodes"
    assert render_no_pin(added=NODES[:20]).summary.endswith("<code>HP_19</code>.")
    check = render_no_pin(added=NODES)
    assert check.title == "Moves no pin, adds 25 nodes"
    assert check.summary.endswith("<code>HP_19</code>, and 5 more.")
    assert "HP_20" not in check.summary
    assert render_group_check((), number=PullNumber(7), added=NODES) == check


def test_nothing_is_deployed_from_the_branch() -> None:
    check = render_no_pin(unfollowed=BranchName("feature/" + "x" * 300))
    assert (check.conclusion, check.title, check.text) == ("success", "Deploys nothing", "")
    assert check.summary.startswith("Nothing is deployed from <code>feature/xx")
    assert check.summary.endswith("</code>: no base of this fleet has that name.")
    assert len(check.summary) < 300


def test_what_cannot_be_planned_fails_with_each_line() -> None:
    check = render_unplanned([f"line {number}" for number in range(30)])
    assert (check.conclusion, check.title, check.text) == ("failure", "Cannot be planned", "")
    assert check.summary.startswith("The result of this merge cannot be planned:\n\n- line 0\n- line 1\n")
    assert check.summary.endswith("- line 19\n- and 10 more")


def fleet(*nodes: str) -> str:
    return "version: 1\nnodes:\n" + "".join(f"  {node}:\n    root: /srv/{node}\n" for node in nodes)


def test_the_nodes_that_a_fleet_file_gets(tmp_path: Path) -> None:
    folder = new_repository(tmp_path / "fleet")
    mirror = GitRepository(folder / ".git")
    none = CommitSha(commit(folder, {"README.md": "words\n"}))
    one = CommitSha(commit(folder, {FLEET_FILE: fleet("HP_A")}))
    two = CommitSha(commit(folder, {FLEET_FILE: fleet("HP_B", "HP_A", "HP_C")}))
    wrong = CommitSha(commit(folder, {FLEET_FILE: "nodes: [\n"}))
    gone = CommitSha(commit(folder, {FLEET_FILE: None}))
    assert find_added_nodes(mirror, none, one) == ("HP_A",)
    assert find_added_nodes(mirror, one, two) == ("HP_B", "HP_C")
    assert find_added_nodes(mirror, two, one) == ()
    assert find_added_nodes(mirror, two, two) == ()
    assert find_added_nodes(mirror, wrong, wrong) == ()
    assert find_added_nodes(mirror, wrong, one) == ("HP_A",)
    assert find_added_nodes(mirror, one, gone) == ()
    with pytest.raises(YamlFileError):
        find_added_nodes(mirror, one, wrong)
