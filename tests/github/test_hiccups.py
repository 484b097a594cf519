"""GitHub refuses for a moment, in words that look like a no."""

from __future__ import annotations

from sandbox.faults import Fault
from sandbox.world import FLEET, PERSON
from tests.github.stepping import Stepper
from tests.github.test_shapes import propose_words, said


def is_merged(steps: Stepper, number: int) -> bool:
    return bool(steps.outside.get(f"/repos/{FLEET}/pulls/{number}")["merged"])


def test_the_base_moved_just_before_the_merge(steps: Stepper) -> None:
    """405 "Base branch was modified. Review and try the merge again." until GitHub has looked at the new base
    (cli/cli#8092, NixOS/nixpkgs-merge-bot#179): merged a moment later."""
    steps.hub.behaviours.base_was_modified = 2
    pull = propose_words(steps)
    steps.advance(30)
    assert is_merged(steps, pull["number"]), said(steps, pull)
    assert steps.failed == []


def test_the_head_moved_just_before_the_merge(steps: Stepper) -> None:
    """409 "Head branch was modified. Review and try the merge again." (REST: pulls/merge), also of a head that its
    replicas do not have yet: looked at again, and merged if it is still what was judged."""
    words = "Head branch was modified. Review and try the merge again."
    steps.hub.faults.append(Fault(lambda _method, path: path.endswith("/merge"), 409, times=2, message=words))
    pull = propose_words(steps)
    steps.advance(30)
    assert is_merged(steps, pull["number"]), said(steps, pull)
    assert steps.failed == []


def test_a_merge_is_in_progress_already(steps: Stepper) -> None:
    """405 "Merge already in progress" (JSONbored/loopover#5042): looked at again, and merged."""
    words = "Merge already in progress"
    steps.hub.faults.append(Fault(lambda _method, path: path.endswith("/merge"), 405, times=2, message=words))
    pull = propose_words(steps)
    steps.advance(30)
    assert is_merged(steps, pull["number"]), said(steps, pull)
    assert steps.failed == []


def test_a_graphql_request_meets_a_secondary_limit(steps: Stepper) -> None:
    """200, and an error in words (docs: rate limits and query limits for the GraphQL API): waited for, and no
    answer to what was asked for."""
    steps.hub.set_rules(FLEET, "main", contexts=["aios/review"], sources={"aios/review": steps.world.app.id})
    steps.hub.allow_auto_merge(FLEET)
    steps.hub.behaviours.limited_queries = 1
    steps.hub.behaviours.lag = 0
    pull = propose_words(steps)
    assert "rate limit" not in said(steps, pull)
    assert steps.failed == []


def test_a_graphql_request_fails_with_status_200(steps: Stepper) -> None:
    """ "Something went wrong while executing your query" is a server error (octokit/plugin-retry.js#395), and not
    GitHub's answer to what was asked for."""
    steps.hub.set_rules(FLEET, "main", contexts=["aios/review"], sources={"aios/review": steps.world.app.id})
    steps.hub.allow_auto_merge(FLEET)
    steps.hub.behaviours.broken_queries = 1
    pull = propose_words(steps)
    steps.advance(30)
    assert "went wrong" not in said(steps, pull)
    assert is_merged(steps, pull["number"])
    assert steps.failed == []


def test_a_comment_is_submitted_too_quickly(steps: Stepper) -> None:
    """422 "was submitted too quickly" is a limit, although it has another status (whatwg/spec-factory#55): the next
    try comes after a minute, and not at once."""
    number = steps.bump()["number"]
    steps.hub.behaviours.content_pause = 30
    steps.hub.comment(FLEET, number, "/help", by=PERSON)
    steps.settle()
    assert steps.failed == []
    steps.hub.requests.clear()
    steps.advance(59)
    tried = [one for one in steps.hub.requests if (one.method, one.route.split("/")[-1]) == ("POST", "comments")]
    assert tried == [], "it went on trying"
    steps.advance(61)
    assert [one for one in steps.outside.comments(FLEET, number) if "aios-bot:reply" in one["body"]]
