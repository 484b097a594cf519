"""A pull request that is read by its number is still as it was before the event that says what became of it.

tanium/octobot#75: the API answered with the head of before, though the event of the push had come already;
rocq-prover/bot#1: so did the reference of the head.
"""

from __future__ import annotations

from sandbox.world import FLEET, NODE, PERSON
from tests.github.stepping import Stepper
from tests.github.test_required_plan import move_pin


def push_to(steps: Stepper, branch: str, pin: str) -> str:
    """Move the pin once more on somebody's branch; the new head."""
    clone = steps.world.checkouts / "aios-win"
    steps.world.git(clone, "switch", "--quiet", "--force", branch)
    steps.world.git(clone, "update-index", "--cacheinfo", f"160000,{pin},server")
    steps.world.git(clone, "commit", "--quiet", "--allow-empty", "--message", "Again")
    steps.world.git(clone, "push", "--quiet", "origin", branch)
    return str(steps.world.git(clone, "rev-parse", "HEAD"))


def test_a_pull_request_has_its_old_head_after_a_push(steps: Stepper) -> None:
    """Both checks, which the base may require, are on the new head seconds later, and not at the next sweep."""
    first = steps.push_upstream()
    move_pin(steps, first, "mine")
    steps.settle()
    second = steps.push_upstream("whoami:v1.10", "whoami:v1.11")
    steps.settle()
    steps.advance(60)
    steps.hub.behaviours.pull_lag = 8
    head = push_to(steps, "mine", second)
    steps.settle()
    steps.advance(62)
    steps.check_on(FLEET, head, "aios/plan")
    steps.check_on(FLEET, head, "aios/review")
    assert steps.failed == []


def test_a_head_cannot_be_fetched_yet(steps: Stepper) -> None:
    """jquery/jquery-license#23: "Couldn't find remote ref refs/pull/1459/head". No event of a push came either, as
    for a fork's branch."""
    pushed = steps.push_upstream()
    steps.settle()
    steps.advance(60)
    steps.hub.behaviours.git_lag = 5
    before = len(steps.hub.deliveries)
    pull = move_pin(steps, pushed, "mine")
    steps.hub.deliveries[before:] = [one for one in steps.hub.deliveries[before:] if one.event != "push"]
    steps.settle()
    steps.advance(62)
    steps.check_on(FLEET, pull["head"]["sha"], "aios/plan")
    steps.check_on(FLEET, pull["head"]["sha"], "aios/review")
    assert steps.failed == []


def test_a_pull_request_is_open_after_it_was_closed(steps: Stepper) -> None:
    """A node that is ahead for it returns to its base seconds later."""
    number = steps.bump()["number"]
    steps.hub.comment(FLEET, number, f"/deploy {NODE}", by=PERSON)
    steps.settle()
    order = steps.take_order()
    assert order is not None
    steps.report(order, "success")
    steps.settle()
    steps.advance(60)
    steps.hub.behaviours.pull_lag = 8
    steps.hub.close_pull(FLEET, number, by=PERSON)
    steps.settle()
    steps.advance(62)
    back = steps.take_order()
    assert back is not None
    assert back.order["kind"] == "restore"
    assert steps.failed == []


def test_a_pull_request_is_closed_after_it_was_reopened(steps: Stepper) -> None:
    """Its head has the review check seconds later."""
    pushed = steps.push_upstream()
    pull = move_pin(steps, pushed, "mine")
    steps.hub.close_pull(FLEET, pull["number"], by=PERSON)
    head = push_to(steps, "mine", pushed)
    steps.settle()
    steps.advance(60)
    steps.hub.behaviours.pull_lag = 8
    steps.outside.send("PATCH", f"/repos/{FLEET}/pulls/{pull['number']}", {"state": "open"})
    steps.settle()
    steps.advance(62)
    steps.check_on(FLEET, head, "aios/plan")
    steps.check_on(FLEET, head, "aios/review")
    assert steps.failed == []
