"""Which branches a fleet deploys from, and which pull request is for which of them."""

from __future__ import annotations

from sandbox.world import FLEET, PERSON
from tests.github.stepping import Stepper


def list_stable(steps: Stepper) -> None:
    """Let the fleet deploy from `stable` too; the service looks at it once."""
    file = (steps.world.checkouts / "aios-win/.github/aios-bot.yml").read_text()
    steps.world.push(FLEET, {".github/aios-bot.yml": f"{file}bases: [main, stable]\n"}, "Two bases")
    steps.settle()


def test_a_listed_base_gets_its_first_fleet_file(steps: Stepper) -> None:
    """A `push` to a branch that pins nothing yet: GitHub sends it like any other, and nothing else is sent."""
    list_stable(steps)
    clone = steps.world.checkouts / "aios-win"
    steps.world.git(clone, "push", "--quiet", "origin", "HEAD:refs/heads/stable")
    steps.settle()
    bases = {pin.base for pin in steps.service.intake.pins.pins_of(FLEET)}
    assert bases == {"main", "stable"}
    steps.push_upstream()
    steps.settle()
    assert {pull["base"]["ref"] for pull in steps.outside.pulls(FLEET)} == {"main", "stable"}


def test_a_listed_base_does_not_exist(steps: Stepper) -> None:
    """Nothing is sent for a branch that is not there (REST: branches/get, 404): the default branch's head says so."""
    list_stable(steps)
    told = steps.check(FLEET, "aios/base")
    assert told is not None
    assert told["output"]["title"] == "Nothing is done on stable"
    assert "does not exist" in told["output"]["summary"]
    assert steps.failed == []


def test_the_base_of_a_bump_is_changed(steps: Stepper) -> None:
    """`pull_request.edited` with `changes.base`: GitHub allows a second pull request from the same branch, and two
    would move together."""
    pull = steps.bump()
    clone = steps.world.checkouts / "aios-win"
    steps.world.git(clone, "push", "--quiet", "origin", "HEAD:refs/heads/other")
    steps.hub.retarget_pull(FLEET, pull["number"], "other", by=PERSON)
    steps.settle()
    steps.push_upstream("whoami:v1.10", "whoami:v1.11")
    steps.settle()
    assert [one["number"] for one in steps.outside.pulls(FLEET)] == [pull["number"]]
    (note,) = steps.outside.comments(FLEET, pull["number"])
    assert "The base of this pull request was changed" in note["body"]
    steps.hub.retarget_pull(FLEET, pull["number"], "main", by=PERSON)
    steps.settle()
    (found,) = steps.outside.pulls(FLEET)
    assert "v1.11" in str(found["title"]) + str(found["body"])
