"""The whole way from a push to a drift question, on a kind GitHub and on one with every lag and refusal at once.

    python -m tests.github.whole_way

prints how long each took.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from sandbox.github import EmbeddedGitHub
from sandbox.world import FLEET
from tests.github.stepping import Order, Stepper, stepping

LADDER = 62.0  # seconds until the last look at what GitHub may list late


def go(steps: Stepper) -> None:
    """Push, plan, approval, order, report, drift question; each has to arrive."""
    steps.advance(LADDER)  # until a fetch gets what was there at first
    pushed = steps.push_upstream()
    steps.advance(LADDER)
    (pull,) = steps.outside.pulls(FLEET)
    assert steps.outside.pin(FLEET, pull["head"]["sha"]) == pushed
    assert steps.check_on(FLEET, pull["head"]["sha"], "aios/plan")["conclusion"] == "success"
    merged = steps.merge(pull["number"])
    steps.hub.lock_conversation(FLEET, pull["number"])
    steps.advance(LADDER)
    order = _take(steps)
    assert (order.order["commit"], order.order.get("kind", "deploy")) == (merged, "deploy")
    steps.report(order, "success")
    steps.advance(LADDER)
    file = (steps.world.checkouts / "aios-win/.github/aios-bot.yml").read_text()
    steps.world.push(FLEET, {".github/aios-bot.yml": f"{file}drift: {{every: 8s}}\n"}, "Ask often")
    steps.advance(LADDER)
    question = _take(steps)
    assert question.order["number"] > order.order["number"]
    assert steps.take_order() is None, "two orders"
    assert steps.failed == []


def be_unkind(hub: EmbeddedGitHub) -> None:
    """Switch on every lag and refusal."""
    hub.behave_like("everything")


def _take(steps: Stepper) -> Order:
    order = steps.take_order()
    assert order is not None, f"no order: {steps.failed}"
    return order


def main() -> None:
    """Time both."""
    for name, prepare in (("kind", lambda _hub: None), ("with every lag and refusal", be_unkind)):
        with tempfile.TemporaryDirectory() as folder, stepping(Path(folder), prepare=prepare) as steps:
            steps.begin()
            start, then = time.perf_counter(), steps.clock.now
            go(steps)
            took, passed = time.perf_counter() - start, steps.clock.now - then
            print(f"{name}: {took:.1f} s, {len(steps.hub.requests)} requests, {passed:.0f} s on the service's clock")


if __name__ == "__main__":
    main()
