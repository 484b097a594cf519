"""A person rolls a merge back while it is being rolled out: no other node gets it, and nobody goes back too far."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.domain.names import CommitSha
from sandbox.world import FLEET, NODE, PERSON, SERVER
from tests.github.merged import STACK
from tests.github.stepping import Order, Stepper, stepping

FIRST = "AIOS"
FLEET_FILE = f"""\
version: 1
submodules: {{server: {{}}}}
deploy: {{waves: [[{FIRST}], [{NODE}]], soak: 10m}}
nodes:
  {FIRST}: {{root: /srv/aios}}
  {NODE}: {{root: /srv/lab}}
"""


@pytest.fixture
def steps(tmp_path: Path) -> Iterator[Stepper]:
    """A fleet of two nodes in two waves; both run the first merge."""
    with stepping(tmp_path, with_stacks=False) as found:
        found.hub.commit_files(FLEET, {".github/aios-bot.yml": FLEET_FILE}, "Two waves", by=PERSON)
        found.world.push(SERVER, STACK, "One stack")
        found.begin()
        merge(found)
        for node in (FIRST, NODE):
            deploy(found, node)
        yield found


def push(steps: Stepper, version: int) -> None:
    steps.hub.commit_files(SERVER, {"stacks/web/web.conf": f"a = {version}\n"}, f"Version {version}", by=PERSON)
    steps.settle()


def merge(steps: Stepper) -> tuple[int, CommitSha]:
    """Merge the open pull request: its number, and the merge."""
    (pull,) = (one for one in steps.hub.pulls(FLEET) if one.state == "open")
    commit = steps.merge(pull.number)
    steps.advance(60)
    return pull.number, CommitSha(commit)


def take(steps: Stepper, node: str) -> Order | None:
    job = steps.hub.claim_job(["self-hosted", node], timeout=0)
    if job is None:
        return None
    return Order(job, json.loads(base64.b64decode(json.loads(job.inputs["order"])["payload"])))


def deploy(steps: Stepper, node: str) -> str:
    """`node` carries out its order, and the soak time passes; the order's kind and commit."""
    order = take(steps, node)
    assert order is not None, f"{node} has no order: {steps.failed}"
    steps.report(order, "success")
    steps.advance(700)
    return f"{order.order['kind']} {order.order['commit']}"


def say(steps: Stepper, pull: int, words: str) -> None:
    steps.hub.comment(FLEET, pull, words, by=PERSON)
    steps.settle()


def rollout_of(steps: Stepper, pull: int) -> str:
    bodies = [one["body"] for one in steps.outside.comments(FLEET, pull)]
    return str(next(body for body in bodies if "aios-bot:rollout" in body))


def test_a_rollback_in_the_soak_time_keeps_the_next_wave_from_it(steps: Stepper) -> None:
    before = steps.hub.deployments(FLEET)[-1].sha
    push(steps, 1)
    pull, _ = merge(steps)
    order = take(steps, FIRST)
    assert order is not None
    steps.report(order, "success")
    steps.advance(60)
    say(steps, pull, "/rollback")
    assert deploy(steps, FIRST) == f"rollback {before}"
    assert take(steps, NODE) is None
    told = rollout_of(steps, pull)
    assert "rolled back; no other node gets it" in told
    assert "rolled back to" in told
    assert "not started: it was rolled back" in told


def test_a_rollback_before_a_runner_took_the_order_withdraws_it(steps: Stepper) -> None:
    before = steps.hub.deployments(FLEET)[-1].sha
    push(steps, 1)
    merge(steps)
    for node in (FIRST, NODE):
        deploy(steps, node)
    push(steps, 2)
    running = steps.hub.deployments(FLEET)[-1].sha
    pull, _ = merge(steps)
    say(steps, pull, f"/rollback {FIRST}")
    steps.advance(700)
    assert deploy(steps, FIRST) == f"rollback {running}"
    assert running != before
    assert (take(steps, FIRST), take(steps, NODE)) == (None, None)


def test_a_rollback_that_waits_for_a_running_deploy_keeps_the_next_wave_from_it(steps: Stepper) -> None:
    steps.hub.commit_files(
        FLEET, {".github/aios-bot.yml": FLEET_FILE.replace("10m", "0s")}, "No soak time", by=PERSON
    )
    before = steps.hub.deployments(FLEET)[-1].sha
    push(steps, 1)
    pull, _ = merge(steps)
    order = take(steps, FIRST)
    assert order is not None
    say(steps, pull, f"/rollback {FIRST}")
    steps.report(order, "success")
    steps.advance(60)
    assert take(steps, NODE) is None
    assert deploy(steps, FIRST) == f"rollback {before}"
    assert take(steps, NODE) is None
    say(steps, pull, f"/deploy {NODE}")
    assert deploy(steps, NODE).startswith("deploy ")  # who names a node gets it
