"""Rules and names keep the bot from its own branches: shown once, and nothing else stops."""

from __future__ import annotations

import pytest

from bot.domain.names import BranchName, SubmodulePath
from bot.features.bump.jobs import bump_branch
from sandbox.world import FLEET, PERSON
from tests.github.stepping import Stepper
from tests.github.test_update_branch import HUB, add_hub

BRANCH = bump_branch(BranchName("main"), SubmodulePath("server"))


def shown(steps: Stepper) -> str:
    """What the check about bumps says on the base; it stays the same one."""
    check = steps.check(FLEET, "aios/bump")
    assert check is not None, f"nothing is shown: {steps.failed}"
    steps.look_around()
    again = steps.check(FLEET, "aios/bump")
    assert again is not None
    assert again["id"] == check["id"]
    assert steps.failed == []
    return f"{check['conclusion']}: {check['output']['summary']}"


def test_a_ruleset_keeps_everybody_from_making_branches(steps: Stepper) -> None:
    """422 "Cannot create ref due to creations being restricted", with `creation` for `~ALL`
    (strands-labs/robots#1959)."""
    steps.hub.restrict_creations(FLEET)
    steps.push_upstream()
    steps.settle()
    text = shown(steps)
    assert "action_required" in text
    assert "creations being restricted" in text
    assert "bypass" in text


@pytest.mark.parametrize("name", ["aios-bot", "aios-bot/main"])
def test_a_branch_has_a_name_that_the_bumps_begins_with(steps: Stepper, name: str) -> None:
    """422 "Reference update failed", and no more (microsoft/vscode-remote-repositories-github#122)."""
    clone = steps.world.checkouts / "aios-win"
    steps.world.git(clone, "push", "--quiet", "origin", f"HEAD:refs/heads/{name}")
    steps.push_upstream()
    steps.settle()
    assert f"<code>{name}</code> is in the way" in shown(steps)
    steps.hub.delete_branch(FLEET, name, by=PERSON)
    steps.look_around()
    assert len(steps.outside.pulls(FLEET)) == 1
    assert steps.failed == []


def test_a_ruleset_keeps_the_branch_of_a_bump(steps: Stepper) -> None:
    """422 "Repository rule violations found" is no "Reference does not exist": it is not taken for done."""
    steps.bump()
    steps.hub.restrict_deletions(FLEET, BRANCH)
    clone = steps.world.checkouts / "server"
    steps.world.git(clone, "reset", "--hard", "--quiet", "HEAD~1")
    steps.world.git(clone, "push", "--quiet", "--force", "origin", "HEAD:main")
    steps.settle()
    text = shown(steps)
    assert "neutral" in text
    assert "Cannot delete this branch" in text
    assert steps.outside.pulls(FLEET) == []


def test_a_hub_where_no_branch_can_be_made(steps: Stepper) -> None:
    """The same 422 in a hub's repository: its documents wait, and its head says why."""
    add_hub(steps, restricted=True)
    check = steps.check(HUB, "aios/hub")
    assert check is not None, steps.failed
    assert "creations being restricted" in check["output"]["summary"]
    assert steps.failed == []


def test_a_rollback_where_no_branch_can_be_made(steps: Stepper) -> None:
    """The same 422: the nodes go back all the same, and the reply says that the pin does not."""
    for change in (("traefik:v3.1", "traefik:v3.2"), ("whoami:v1.10", "whoami:v1.11")):
        number = steps.bump(*change)["number"]
        steps.merge(number)
        steps.settle()
        order = steps.take_order()
        assert order is not None
        steps.report(order, "success")
        steps.settle()
    steps.hub.restrict_creations(FLEET)
    steps.hub.comment(FLEET, number, "/rollback", by=PERSON)
    steps.settle()
    order = steps.take_order()
    assert order is not None, "no rollback"
    assert order.order["kind"] == "rollback"
    (reply,) = [one["body"] for one in steps.outside.comments(FLEET, number) if "aios-bot:reply" in one["body"]]
    assert "No pull request moves the pin back" in reply
    assert "creations being restricted" in reply
    assert steps.failed == []
