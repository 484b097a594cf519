"""The other buttons of a pull request: close, reopen, draft, revert, delete and restore the branch."""

from __future__ import annotations

from bot.domain.names import CommitSha, InstallationId
from bot.features.review.jobs import SyncReview
from bot.github.endpoints.checks import post_check
from sandbox.world import FLEET, PERSON, SERVER
from tests.github.stepping import Stepper
from tests.github.test_required_plan import move_pin, plan_of


def _open_numbers(steps: Stepper) -> list[int]:
    return [one["number"] for one in steps.outside.pulls(FLEET)]


def test_a_bump_is_closed_and_reopened(steps: Stepper) -> None:
    """`pull_request.closed` without a merge, then `reopened`: a no, and the no taken back."""
    number = steps.bump()["number"]
    steps.hub.close_pull(FLEET, number, by=PERSON)
    steps.settle()
    steps.look_around()
    assert _open_numbers(steps) == [], "it was proposed again"
    steps.hub.reopen_pull(FLEET, number, by=PERSON)
    steps.settle()
    newest = steps.push_upstream("whoami:v1.10", "whoami:v1.11")
    steps.settle()
    (found,) = steps.outside.pulls(FLEET)
    assert found["number"] == number
    assert steps.outside.pin(FLEET, found["head"]["sha"]) == newest
    assert steps.failed == []


def test_the_branch_of_a_bump_is_deleted_and_restored(steps: Stepper) -> None:
    """ "Delete branch" closes the pull request (docs: deleting and restoring branches); "Restore branch" brings back
    the commit alone."""
    number = steps.bump()["number"]
    branch = steps.outside.get(f"/repos/{FLEET}/pulls/{number}")["head"]["ref"]
    steps.hub.delete_branch(FLEET, branch, by=PERSON)
    steps.settle()
    steps.look_around()
    assert _open_numbers(steps) == [], "it was proposed again"
    steps.hub.restore_branch(FLEET, number, by=PERSON)
    steps.settle()
    assert _open_numbers(steps) == [], "a branch is no pull request"
    newest = steps.push_upstream("whoami:v1.10", "whoami:v1.11")
    steps.settle()
    (found,) = steps.outside.pulls(FLEET)
    assert steps.outside.pin(FLEET, found["head"]["sha"]) == newest
    assert steps.failed == []


def test_a_bump_is_reverted(steps: Stepper) -> None:
    """The button "Revert" opens a person's pull request that moves the pin back: planned, ordered, and upstream's
    commit is not proposed again."""
    before = steps.outside.pin(FLEET, "main")
    steps.merge(steps.bump()["number"])
    steps.settle()
    order = steps.take_order()
    assert order is not None
    steps.report(order, "success")
    steps.settle()
    steps.world.git(steps.world.checkouts / "aios-win", "fetch", "--quiet", "origin")
    pull = move_pin(steps, before, "revert-1-aios-bot")
    steps.settle()
    assert plan_of(steps, pull)["status"] == "completed"
    merged = steps.merge(pull["number"])
    steps.settle()
    back = steps.take_order()
    assert back is not None, "the revert gives no order"
    assert back.order["commit"] == merged
    assert _open_numbers(steps) == [], "what was just undone is proposed again"
    assert steps.failed == []


def test_a_bump_becomes_a_draft(steps: Stepper) -> None:
    """`converted_to_draft`: GitHub merges no draft; it follows upstream all the same, with its plan."""
    number = steps.bump()["number"]
    steps.hub.set_draft(FLEET, number, by=PERSON, draft=True)
    steps.settle()
    newest = steps.push_upstream("whoami:v1.10", "whoami:v1.11")
    steps.settle()
    (found,) = steps.outside.pulls(FLEET)
    assert (found["number"], found["draft"]) == (number, True)
    assert steps.outside.pin(FLEET, found["head"]["sha"]) == newest
    assert plan_of(steps, found)["status"] == "completed"
    assert steps.failed == []


def test_a_draft_is_ready_for_review(steps: Stepper) -> None:
    """`converted_to_draft` and `ready_for_review`: nobody is to review a draft; one that is ready waits for somebody
    from that moment, and nothing else is sent then."""
    number = steps.bump()["number"]
    for draft in (True, False):
        steps.ran.clear()
        steps.hub.set_draft(FLEET, number, by=PERSON, draft=draft)
        steps.settle()
        assert [job.number for job in steps.ran if isinstance(job, SyncReview)] == [number]
    assert steps.failed == []


def test_an_older_bump_is_reopened_updated_and_merged_behind_a_newer_one(steps: Stepper) -> None:
    """ "Update branch" merges the base into the older one's branch: GitHub then lists it for the newer one's commit
    too (REST: list pull requests associated with a commit). What was approved stands in the newer one."""
    older = steps.bump()["number"]
    steps.hub.close_pull(FLEET, older, by=PERSON)
    steps.settle()
    newer = steps.bump("whoami:v1.10", "whoami:v1.11")["number"]
    assert newer != older
    merged = steps.hub.merge_pull(FLEET, newer, by=PERSON, method="rebase")
    steps.hub.reopen_pull(FLEET, older, by=PERSON)
    steps.hub.update_branch(FLEET, older, by=PERSON)
    steps.hub.merge_pull(FLEET, older, by=PERSON, method="squash")
    steps.settle()
    listed = steps.outside.get(f"/repos/{FLEET}/commits/{merged}/pulls")
    assert [one["number"] for one in listed] == [older, newer]
    order = steps.take_order()
    assert order is not None, "what was approved is not deployed"
    assert order.order["pin"] == steps.outside.pin(FLEET, merged)
    assert any("aios-bot:rollout" in one["body"] for one in steps.outside.comments(FLEET, newer))
    assert steps.failed == []


def test_a_label_is_taken_off_a_bump(steps: Stepper) -> None:
    """It stays off: labels start workflows and sort lists, and are people's to choose."""
    pull = steps.bump()
    assert pull["labels"]
    steps.hub.take_labels(FLEET, pull["number"])
    steps.push_upstream("whoami:v1.10", "whoami:v1.11")
    steps.settle()
    (found,) = steps.outside.pulls(FLEET)
    assert found["labels"] == []
    assert "v1.11" in found["body"]


def test_a_head_is_pushed_to_the_branch_without_the_merge_button(steps: Stepper) -> None:
    """GitHub counts that as the merge (docs: about pull request merges), and the commit keeps the checks that it had
    as a head. One that asks for a review says nothing of upstream."""
    file = (steps.world.checkouts / "aios-win/.github/aios-bot.yml").read_text()
    waiting = file.replace("    order:", "    wait_for_checks: true\n    order:")
    steps.world.push(FLEET, {".github/aios-bot.yml": waiting}, "Wait for checks")
    steps.settle()
    pushed = steps.push_upstream()
    client = steps.service.app.as_installation(InstallationId(steps.world.installation), repositories=[SERVER])
    post_check(
        client,
        SERVER,
        sha=CommitSha(pushed),
        name="aios/review",
        conclusion="action_required",
        title="A review is missing",
        summary="Of the pull request",
        text="",
        external_id="1",
    )
    steps.settle()
    assert len(steps.outside.pulls(FLEET)) == 1
    assert steps.failed == []
