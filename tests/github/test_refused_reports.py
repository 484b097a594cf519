"""A report that cannot be posted never stops the work that it reports."""

from __future__ import annotations

from sandbox.world import FLEET
from tests.github.stepping import Stepper


def test_the_conversation_is_locked(steps: Stepper) -> None:
    """Comments of an App are refused (403, "Unable to create comment because issue is locked"): the fleet's state is
    kept, and a failed node is still followed."""
    number = steps.bump()["number"]
    steps.merge(number)
    steps.hub.lock_conversation(FLEET, number)
    steps.settle()
    order = steps.take_order()
    assert order is not None
    steps.report(order, "success")
    steps.settle()
    assert steps.failed == []
    page = steps.service.statuses.page_of(FLEET)
    (status,) = steps.service.statuses.find(page)
    assert [node.standing for node in status.nodes] == ["good"]


def test_the_report_is_deleted_while_it_is_kept(steps: Stepper) -> None:
    """A comment that somebody deletes answers 404 to an edit: what became of the order is reported in a new one."""
    number = steps.bump()["number"]
    steps.merge(number)
    steps.settle()
    (report,) = [one for one in steps.outside.comments(FLEET, number) if "aios-bot:rollout" in one["body"]]
    steps.hub.delete_comment(FLEET, report["id"])
    order = steps.take_order()
    assert order is not None
    steps.report(order, "failure")
    steps.settle()
    bodies = [one["body"] for one in steps.outside.comments(FLEET, number) if "aios-bot:rollout" in one["body"]]
    assert ["does not run" in body for body in bodies] == [True]
    assert steps.failed == []
