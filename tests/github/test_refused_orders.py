"""GitHub refuses what an order, a button or a review needs: somebody reads it, and it is tried again."""

from __future__ import annotations

import pytest

from bot.domain.errors import BotError
from bot.features.rollout.jobs import SyncRollout
from sandbox.faults import Fault
from sandbox.world import FLEET, PERSON
from tests.github.stepping import Stepper


def bodies(steps: Stepper, number: int) -> str:
    return "\n".join(one["body"] for one in steps.outside.comments(FLEET, number))


def test_github_refuses_the_deployment_of_an_order(steps: Stepper) -> None:
    """422 for what its replicas do not have yet, or for good ("Validation Failed"): the pull request says it, the job
    is tried again, and what was said goes when it succeeds."""
    number = steps.bump()["number"]
    refused = Fault(
        lambda method, path: method == "POST" and path.endswith("/deployments"),
        422,
        times=1_000,
        message="No ref found for: 1234567",
    )
    steps.hub.faults.append(refused)
    steps.merge(number)
    steps.settle()
    assert "No ref found for: 1234567" in bodies(steps, number)
    failed = [job for job, _ in steps.failed if isinstance(job, SyncRollout)]
    assert failed, "the queue has nothing to try again"
    steps.hub.faults.clear()
    steps.look_around()
    assert steps.take_order() is not None
    assert "No ref found" not in bodies(steps, number)


def test_an_order_is_too_long_for_a_workflow(steps: Stepper, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inputs of a dispatch hold 65,535 characters (docs: manually running a workflow)."""

    def refuse(*_arguments: object) -> str:
        raise BotError(
            "the order for HP_LAB has 70000 characters, and a node takes 60000: give the node fewer stacks"
        )

    monkeypatch.setattr("bot.features.rollout.apply.dispatch.sign_order", refuse)
    number = steps.bump()["number"]
    steps.merge(number)
    steps.settle()
    assert "give the node fewer stacks" in bodies(steps, number)


def test_the_payload_of_a_deployment_is_text(steps: Stepper) -> None:
    """ "object or string" (REST: deployments; google/go-github#1116): an order is known again, and given once."""
    steps.hub.behaviours.payload_as_text = True
    steps.merge(steps.bump()["number"])
    steps.settle()
    order = steps.take_order()
    assert order is not None
    steps.report(order, "success")
    steps.look_around()
    assert len(steps.hub.deployments(FLEET)) == 1
    assert steps.failed == []


def test_a_button_of_an_older_head_is_pressed(steps: Stepper) -> None:
    """The page of a check run stays when its commit was replaced; GitHub lists no pull request for that commit any
    more. Who pressed it reads that the plan is another one by now."""
    pull = steps.bump()
    check = steps.check_on(FLEET, pull["head"]["sha"], "aios/plan")
    steps.push_upstream("whoami:v1.10", "whoami:v1.11")
    steps.settle()
    steps.hub.press(FLEET, check["id"], "deploy", by=PERSON)
    steps.settle()
    assert "aios-bot:reply" in bodies(steps, pull["number"])
    assert steps.take_order() is None
    assert steps.failed == []


def test_a_button_is_pressed_before_its_pull_request_is_listed(steps: Stepper) -> None:
    """`commits/{sha}/pulls` lags (apache/texera#4620)."""
    pull = steps.bump()
    check = steps.check_on(FLEET, pull["head"]["sha"], "aios/plan")
    steps.hub.behaviours.lag = 600.0
    steps.hub.press(FLEET, check["id"], "deploy", by=PERSON)
    steps.settle()
    assert steps.take_order() is not None
    assert steps.failed == []


def test_github_does_not_list_the_changes_of_a_pull_request(steps: Stepper) -> None:
    """ "Sorry, this diff is temporarily unavailable due to heavy server load." (ansible/ansibullbot#981): the
    required check is there all the same, and asks for a person."""
    words = "Server Error: Sorry, this diff is temporarily unavailable due to heavy server load."
    steps.hub.faults.append(Fault(lambda _method, path: path.endswith("/files"), 422, times=1_000, message=words))
    pull = steps.bump()
    said = steps.check_on(FLEET, pull["head"]["sha"], "aios/review")
    assert said["conclusion"] == "action_required"
    assert steps.failed == []


def test_a_bump_without_its_text_is_closed(steps: Stepper) -> None:
    """Its text is its author's to edit, and everybody's who may write: what was closed is not proposed again,
    whatever the text says."""
    pull = steps.bump()
    steps.hub.edit_pull(FLEET, pull["number"], by=PERSON, body="")
    steps.hub.close_pull(FLEET, pull["number"], by=PERSON)
    steps.settle()
    steps.look_around()
    assert steps.outside.pulls(FLEET) == []
    steps.push_upstream("whoami:v1.10", "whoami:v1.11")
    steps.settle()
    assert len(steps.outside.pulls(FLEET)) == 1
