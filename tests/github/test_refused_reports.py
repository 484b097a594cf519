"""A report that cannot be posted never stops the work that it reports."""

from __future__ import annotations

from sandbox.world import FLEET, NODE
from tests.github.stepping import Order, Stepper


def ask(steps: Stepper) -> Order:
    """Have the node run something, and give the bot's question whether it does still."""
    steps.merge(steps.bump()["number"])
    steps.settle()
    first = steps.take_order()
    assert first is not None
    steps.report(first, "success")
    steps.settle()
    file = (steps.world.checkouts / "aios-win/.github/aios-bot.yml").read_text()
    steps.world.push(FLEET, {".github/aios-bot.yml": f"{file}drift: {{every: 60s}}\n"}, "Ask often")
    steps.advance(62)
    question = steps.take_order()
    assert question is not None
    return question


def test_issues_are_switched_off(steps: Stepper) -> None:
    """410 for a new issue (REST: issues/create; google/clusterfuzz#2613), as in every fork at first
    (mozilla-services/GitHub-Audit#10): a check on the fleet's head says how the node differs."""
    question = ask(steps)
    steps.hub.switch_issues_off(FLEET)
    steps.answer(question, ["compose.yml was changed by hand"])
    steps.settle()
    check = steps.check(FLEET, f"aios/drift {NODE} server")
    assert check is not None
    assert "compose.yml was changed by hand" in check["output"]["summary"]
    assert steps.failed == []
    steps.advance(62)
    again = steps.take_order()
    assert again is not None, "no further question"


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
