"""GitHub does not start the workflow of an order: the pull request says why and what to do, once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.world import FLEET
from tests.github.stepping import Stepper

WORKFLOW = ".github/workflows/deploy.yml"


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
