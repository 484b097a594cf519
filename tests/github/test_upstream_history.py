"""An upstream's branch goes back or is rewritten: what is said of it is true."""

from __future__ import annotations

from sandbox.world import FLEET
from tests.github.stepping import Stepper


def test_a_branch_is_force_pushed_back_behind_the_pin(steps: Stepper) -> None:
    """`push` with `forced`: there is nothing newer to propose, and the pin did not catch up."""
    clone = steps.world.checkouts / "server"
    steps.push_upstream()
    second = steps.push_upstream("whoami:v1.10", "whoami:v1.11")
    steps.settle()
    (pull,) = steps.outside.pulls(FLEET)
    steps.merge(pull["number"])
    steps.settle()
    third = steps.bump("INFO", "DEBUG")
    steps.world.git(clone, "reset", "--hard", "--quiet", f"{second}~1")
    steps.world.git(clone, "push", "--quiet", "--force", "origin", "HEAD:main")
    steps.settle()
    notes = [one["body"] for one in steps.outside.comments(FLEET, third["number"])]
    assert any("went back to" in note for note in notes), notes
    assert not any("caught up" in note for note in notes)
    assert steps.outside.get(f"/repos/{FLEET}/pulls/{third['number']}")["state"] == "closed"


def test_a_branch_is_rewritten_under_an_open_pull_request(steps: Stepper) -> None:
    """`push` with `forced`: the commit that it proposes is gone, so it is closed with the reason."""
    pull = steps.bump()
    clone = steps.world.checkouts / "server"
    steps.world.git(clone, "checkout", "--quiet", "--orphan", "rewritten")
    steps.world.git(clone, "commit", "--quiet", "--message", "History made again")
    steps.world.git(clone, "push", "--quiet", "--force", "origin", "HEAD:main")
    steps.settle()
    assert steps.outside.get(f"/repos/{FLEET}/pulls/{pull['number']}")["state"] == "closed"
    notes = [one["body"] for one in steps.outside.comments(FLEET, pull["number"])]
    assert any("does not descend from the pin" in note for note in notes), notes
