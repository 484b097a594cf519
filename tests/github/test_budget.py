"""What counts against the hour's requests of an installation, and what need not be asked for."""

from __future__ import annotations

from sandbox.world import FLEET, PERSON
from tests.github.stepping import Stepper


def answer(steps: Stepper, kind: str) -> None:
    """The node carries out the order that is due, which succeeds."""
    order = steps.take_order()
    assert order is not None
    assert order.order["kind"] == kind
    steps.report(order, "success")
    steps.settle()


def test_a_deleted_deployment_is_not_asked_for_again(steps: Stepper) -> None:
    """A 404 counts like any answer, a 304 does not (docs: best practices for using the REST API). An answered
    question about drift is deleted, and no list shows it."""
    file = (steps.world.checkouts / "aios-win/.github/aios-bot.yml").read_text()
    steps.world.push(FLEET, {".github/aios-bot.yml": f"{file}drift: {{every: 60s}}\n"}, "Ask often")
    number = steps.bump()["number"]
    steps.merge(number)
    steps.settle()
    answer(steps, "deploy")
    for _ in range(2):
        steps.advance(61)
        answer(steps, "drift")
    steps.hub.requests.clear()
    steps.hub.comment(FLEET, number, "/status", by=PERSON)
    steps.settle()
    gone = [one.path for one in steps.hub.requests if one.status == 404 and "/deployments/" in one.path]
    assert gone == []
    assert steps.failed == []
