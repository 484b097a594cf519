"""GitHub does not start the workflow of an order: the pull request says why and what to do, once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.faults import Fault
from sandbox.world import FLEET, NODE, PERSON
from tests.github.stepping import Stepper

WORKFLOW = ".github/workflows/deploy.yml"
FAILED = "Failed to run workflow dispatch"


def disable(steps: Stepper) -> None:
    """benc-uk/workflow-dispatch#72: "Cannot trigger a 'workflow_dispatch' on a disabled workflow"."""
    steps.hub.disable_workflow(FLEET, "deploy.yml")


def take_the_trigger(steps: Stepper) -> None:
    """fcetool/fcetool#1: 422 "Workflow does not have 'workflow_dispatch' trigger"."""
    steps.world.edit(FLEET, WORKFLOW, "workflow_dispatch:", "workflow_call:", "No trigger")


def remove(steps: Stepper) -> None:
    """404: the default branch does not hold it."""
    steps.world.push(FLEET, {WORKFLOW: None}, "No workflow")


def protect(steps: Stepper) -> None:
    """Docs, "About Actions policies": disallowed workflow runs fail with an error, before any job."""
    steps.hub.forbid_dispatch(FLEET)


@pytest.mark.parametrize(
    ("refuse", "cure"),
    [
        (disable, "enable it on the page Actions"),
        (take_the_trigger, "on main it lacks the trigger workflow_dispatch"),
        (remove, "main has no such workflow, or Actions is off"),
        (protect, "the run says why; a policy is in Settings, Actions, Policies"),
    ],
)
def test_the_workflow_of_an_order_is_not_started(
    steps: Stepper, refuse: Callable[[Stepper], None], cure: str
) -> None:
    number = steps.bump()["number"]
    refuse(steps)
    steps.merge(number)
    steps.settle()
    steps.look_around()
    bodies = [one["body"] for one in steps.outside.comments(FLEET, number)]
    assert sum(cure in body for body in bodies) == 1, bodies
    assert len(steps.hub.deployments(FLEET)) == 1
    assert steps.failed == []


def refuse_for_now(steps: Stepper) -> Fault:
    """500 "Failed to run workflow dispatch", for hours at times, and what is right with the workflow does not help
    (as kwad77/pincher and tcmegahan/Crown2026 noted of theirs)."""
    broken = Fault(
        lambda _method, path: path.endswith("/dispatches"),
        500,
        times=1_000,
        headers={"Retry-After": "45"},
        message=FAILED,
    )
    steps.hub.faults.append(broken)
    return broken


def test_github_fails_to_start_the_workflow_of_an_order(steps: Stepper) -> None:
    """The pull request says so, it is tried less and less often, and once it succeeds the node has its order."""
    number = steps.bump()["number"]
    broken = refuse_for_now(steps)
    steps.merge(number)
    steps.advance(16 * 60)
    bodies = [one["body"] for one in steps.outside.comments(FLEET, number)]
    assert sum(FAILED in body and "page Actions" in body for body in bodies) == 1, bodies
    before = broken.played
    steps.advance(100 * 60)
    assert broken.played - before <= 2 * 4, "every half an hour, after each of two events"
    assert len(steps.hub.deployments(FLEET)) == 1
    assert steps.failed == []
    steps.hub.faults.clear()
    steps.advance(30 * 60)
    assert steps.take_order() is not None
    assert not any(FAILED in one["body"] for one in steps.outside.comments(FLEET, number))


def test_github_does_not_start_the_workflow_of_an_order_for_a_minute(steps: Stepper) -> None:
    """The same without Retry-After: 4, 12, 28 and 60 seconds after its deployment was made, and not all the time."""
    number = steps.bump()["number"]
    broken = refuse_for_now(steps)
    broken.headers = {}
    steps.merge(number)
    steps.advance(59)
    assert broken.played <= 3 * 4, "looks after three events"
    steps.hub.faults.clear()
    steps.advance(1)
    assert steps.take_order() is not None
    assert not any(FAILED in one["body"] for one in steps.outside.comments(FLEET, number))


def test_github_fails_to_start_the_workflow_of_a_command(steps: Stepper) -> None:
    """The reply to `/deploy` says what it waits for."""
    number = steps.bump()["number"]
    refuse_for_now(steps)
    steps.hub.comment(FLEET, number, f"/deploy {NODE}", by=PERSON)
    steps.advance(5 * 60)
    bodies = [one["body"] for one in steps.outside.comments(FLEET, number)]
    assert sum(FAILED in body for body in bodies) == 1, bodies
    steps.hub.faults.clear()
    steps.advance(30 * 60)
    assert steps.take_order() is not None
