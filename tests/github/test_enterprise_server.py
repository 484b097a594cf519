"""GitHub Enterprise Server is older than github.com, by years."""

from __future__ import annotations

from sandbox.world import FLEET
from tests.github.stepping import Stepper


def test_a_server_refuses_return_run_details(steps: Stepper) -> None:
    """Up to 3.19 it is no permitted key (422, benc-uk/workflow-dispatch#86): asked once, then never again."""
    steps.hub.behaviours.knows_run_details = False
    steps.merge(steps.bump()["number"])
    steps.settle()
    order = steps.take_order()
    assert order is not None, "no order ever starts"
    steps.report(order, "success")
    steps.settle()
    second = steps.bump("whoami:v1.10", "whoami:v1.11")
    steps.hub.requests.clear()
    steps.merge(second["number"])
    steps.settle()
    assert [one.status for one in steps.hub.requests if one.path.endswith("/dispatches")] == [204]


def test_a_run_that_nobody_named_dies(steps: Stepper) -> None:
    """Without the run's id it is found by its own name (`run-name` with the order's number): its end is seen."""
    steps.hub.behaviours.knows_run_details = False
    steps.merge(steps.bump()["number"])
    steps.settle()
    order = steps.take_order()
    assert order is not None
    steps.hub.finish_job(order.job, "failure", "")  # the machine lost power, say
    steps.settle()
    steps.advance(3600)
    (states,) = steps.outside.deployment_states(FLEET, order.order["commit"]).values()
    assert states[-1] == "error"


def test_every_request_names_the_api_version_and_the_media_type(steps: Stepper) -> None:
    """A server's default version moves (REST version 2026-03-10 exists); the bot was built on 2022-11-28."""
    steps.hub.behaviours.strict_headers = True
    pushed = steps.push_upstream()
    steps.settle()
    steps.hub.behaviours.strict_headers = False
    assert steps.failed == []
    (pull,) = steps.outside.pulls(FLEET)
    assert steps.outside.pin(FLEET, pull["head"]["sha"]) == pushed
