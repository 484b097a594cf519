"""A branch with a merge queue: GitHub makes a commit of its own for each entry, and waits for its required checks."""

from __future__ import annotations

import requests

from sandbox.world import FLEET, NODE, PERSON, SERVER
from tests.github.stepping import Stepper
from tests.github.test_shapes import post_status, propose_words, said

CHECKS = ("aios/plan", "aios/review")


def queue(steps: Stepper, *contexts: str) -> None:
    steps.hub.use_merge_queue(FLEET)
    steps.hub.set_rules(FLEET, "main", contexts=contexts)


def approve(steps: Stepper, number: int) -> None:
    """As somebody else who may write."""
    token = steps.hub.create_user("reviewer")
    steps.hub.set_permission(FLEET, "reviewer", "write")
    url = f"{steps.hub.url}/api/v3/repos/{FLEET}/pulls/{number}/reviews"
    answer = requests.post(url, json={"event": "APPROVE"}, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert answer.ok, answer.text
    steps.settle()


def test_a_queue_waits_for_the_checks_of_its_own_commit(steps: Stepper) -> None:
    """`merge_group.checks_requested`: without an answer the queue stands still until it gives up
    (linear-b/gitstream#209, ruby/rbs#3032)."""
    queue(steps, *CHECKS)
    pull = steps.bump()
    approve(steps, pull["number"])
    steps.hub.enqueue(FLEET, pull["number"], by=PERSON)
    ((_, group),) = steps.hub.queued_groups(FLEET)
    steps.settle()
    assert [steps.check_on(FLEET, group, name)["conclusion"] for name in CHECKS] == ["success", "success"]
    assert steps.outside.get(f"/repos/{FLEET}/branches/main")["commit"]["sha"] == group
    order = steps.take_order()
    assert order is not None, "merged by the queue, and no order"
    assert order.order["commit"] == group
    assert steps.failed == []


def test_a_group_that_moves_no_pin_passes(steps: Stepper) -> None:
    """Every pull request of the branch goes through the queue (ruby/rbs#3032), also one that has no plan."""
    queue(steps)
    clone = steps.world.checkouts / "aios-win"
    steps.world.git(clone, "switch", "--quiet", "--create", "words")
    (clone / "notes.md").write_text("words\n")
    steps.world.git(clone, "add", "notes.md")
    steps.world.git(clone, "commit", "--quiet", "--message", "Words")
    steps.world.git(clone, "push", "--quiet", "origin", "words")
    asked = {"title": "Words", "head": "words", "base": "main", "body": ""}
    number = steps.outside.send("POST", f"/repos/{FLEET}/pulls", asked)["number"]
    steps.hub.enqueue(FLEET, number, by=PERSON)
    steps.hub.set_rules(FLEET, "main", contexts=["aios/plan"])
    ((_, group),) = steps.hub.queued_groups(FLEET)
    steps.settle()
    assert steps.check_on(FLEET, group, "aios/plan")["output"]["title"] == "Moves no pin"
    assert steps.outside.get(f"/repos/{FLEET}/pulls/{number}")["merged"]


def test_a_group_would_do_more_than_its_pull_request_shows(steps: Stepper) -> None:
    """The group's commit holds what was merged and queued before it (REST: `merge_group.base_sha` is its parent), so
    its plan may differ: the check fails, the queue puts it out, and the pull request says why."""
    queue(steps, "aios/plan")
    number = steps.bump()["number"]
    file = (steps.world.checkouts / "aios-win/.github/aios-bot.yml").read_text()
    more = file.replace(f"  {NODE}:\n", f"  {NODE}:\n    profiles: [extra]\n")
    steps.world.push(FLEET, {".github/aios-bot.yml": more}, "One more profile")
    steps.hub.enqueue(FLEET, number, by=PERSON)
    ((_, group),) = steps.hub.queued_groups(FLEET)
    steps.settle()
    check = steps.check_on(FLEET, group, "aios/plan")
    assert (check["conclusion"], check["output"]["title"]) == (
        "failure",
        f"Goes beyond the plan that #{number} shows",
    )
    (note,) = [one["body"] for one in steps.outside.comments(FLEET, number) if "queue" in one["body"]]
    assert "its files are not those that the plan was made from" in note
    assert steps.hub.queued_groups(FLEET) == []
    assert steps.outside.get(f"/repos/{FLEET}/pulls/{number}")["state"] == "open"
    assert steps.take_order() is None


def test_a_merge_past_the_queue_is_refused(steps: Stepper) -> None:
    """405 "Changes must be made through the merge queue": what the bot may merge by itself is put into the queue
    (GraphQL: enqueuePullRequest)."""
    queue(steps)
    file = (steps.world.checkouts / "aios-win/.github/aios-bot.yml").read_text()
    steps.world.push(FLEET, {".github/aios-bot.yml": f"{file}review:\n  auto_merge: true\n"}, "Merge by itself")
    steps.settle()
    steps.world.push(SERVER, {"docs/words.md": "words\n"}, "Words")
    steps.settle()
    (pull,) = steps.outside.pulls(FLEET, "all")
    merged = steps.outside.get(f"/repos/{FLEET}/pulls/{pull['number']}")
    assert merged["merged"], "nothing merged it"
    assert merged["merged_by"]["login"] == "github-merge-queue[bot]"
    assert steps.take_order() is not None


def test_a_pull_request_is_taken_out_of_the_queue(steps: Stepper) -> None:
    """`pull_request.dequeued`, with CI_FAILURE, MANUAL and other reasons (openobserve/openobserve#13891): the same
    head is not put into it again and again, and the check says what a person can do."""
    steps.advance(120)
    queue(steps, "aios/review", "tests")
    steps.hub.set_rules(FLEET, "main", contexts=["aios/review", "tests"], sources={"aios/review": steps.world.app.id})
    steps.hub.allow_auto_merge(FLEET)
    pull = propose_words(steps)
    post_status(steps, pull["head"]["sha"], "success")
    ((_, group),) = steps.hub.queued_groups(FLEET)
    steps.look_around()
    assert len(steps.hub.queued_groups(FLEET)) == 1, "it is in the queue already"
    post_status(steps, group, "failure")
    assert "It was taken out of the merge queue" in said(steps, pull)
    steps.look_around()
    assert steps.hub.queued_groups(FLEET) == []
    assert steps.failed == []
