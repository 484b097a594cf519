"""GitHub's lists lag behind what happened, by seconds; nothing is lost or made twice because of that."""

from __future__ import annotations

import pytest

from sandbox.world import FLEET
from tests.github.stepping import Stepper


@pytest.mark.parametrize("method", ["merge", "squash"])
def test_the_pull_requests_of_a_commit_are_listed_late(steps: Stepper, method: str) -> None:
    """`commits/{sha}/pulls` is empty for seconds after a merge: apache/texera#4620,
    tektoncd/pipelines-as-code#2382. The event's own pull request is the approval."""
    number = steps.bump()["number"]
    steps.hub.behaviours.lag = 15
    merged = steps.merge(number, method=method)
    steps.settle()
    order = steps.take_order()
    assert order is not None, "merged, and no order"
    assert order.order["commit"] == merged


def test_the_event_of_a_merge_is_lost_and_the_list_lags(steps: Stepper) -> None:
    """An empty list just after a push is "not yet": looked at again after 2, 4, 8, 16, 32 s
    (tektoncd/pipelines-as-code#2461)."""
    number = steps.bump()["number"]
    steps.hub.behaviours.lag = 15
    merged = steps.merge(number)
    steps.hub.deliveries[:] = [one for one in steps.hub.deliveries if one.event != "pull_request"]
    steps.receive_from_start()
    steps.look_around()
    assert steps.take_order() is None
    steps.advance(62)
    order = steps.take_order()
    assert order is not None, "merged, and no order"
    assert order.order["commit"] == merged


def test_deployments_are_listed_late(steps: Stepper) -> None:
    """A second look before the list shows the first deployment gives no second order."""
    number = steps.bump()["number"]
    steps.hub.behaviours.lag = 15
    steps.merge(number)
    steps.settle()
    steps.redeliver("pull_request", "closed")
    steps.advance(5)
    steps.redeliver("pull_request", "closed")
    assert len(steps.hub.deployments(FLEET)) == 1


def test_comments_are_listed_late(steps: Stepper) -> None:
    """A second look before the list shows the first comment writes no second one."""
    number = steps.bump()["number"]
    steps.hub.behaviours.lag = 15
    steps.merge(number)
    steps.settle()
    order = steps.take_order()
    assert order is not None
    steps.report(order, "success")
    steps.settle()
    steps.redeliver("pull_request", "closed")
    steps.advance(20)
    assert len([one for one in steps.outside.comments(FLEET, number) if "rollout" in one["body"]]) == 1


def test_pull_requests_are_listed_late(steps: Stepper) -> None:
    """A second push before the list shows the first pull request fails with 422 "already exists"."""
    steps.hub.behaviours.lag = 15
    steps.push_upstream()
    steps.settle()
    pushed = steps.push_upstream("whoami:v1.10", "whoami:v1.11")
    steps.settle()
    steps.advance(30)
    assert steps.failed == []
    (pull,) = steps.outside.pulls(FLEET, "all")
    assert steps.outside.pin(FLEET, pull["head"]["sha"]) == pushed
    assert pushed[:7] in pull["title"]


def test_a_pull_request_cannot_be_labelled_yet(steps: Stepper) -> None:
    """422 "Issue not found" for seconds after it was opened (googleapis/release-please#2754,
    peter-evans/create-pull-request#4322): its check does not wait for the labels, and they come later."""
    steps.hub.behaviours.lag = 15
    steps.push_upstream()
    steps.settle()
    (pull,) = steps.hub.pulls(FLEET)
    assert "aios/plan" in steps.outside.checks(FLEET, pull.head_sha)
    assert pull.labels == []
    steps.advance(40)
    assert sorted(label.name for label in pull.labels) == ["aios-bot", "dependencies"]
    assert steps.failed == []


def test_a_pull_request_can_never_be_labelled(steps: Stepper) -> None:
    """The same 422, and it stays (peter-evans/create-pull-request#4322): it is tried a few times, not for ever."""
    steps.hub.behaviours.lag = 1e9
    steps.push_upstream()
    steps.settle()
    steps.advance(120)
    asked = len(steps.hub.requests)
    steps.advance(3600)
    assert len(steps.hub.requests) == asked
    assert steps.failed == []
