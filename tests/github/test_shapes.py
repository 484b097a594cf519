"""Rules that a repository has for merging, where the bot merges by itself or says why it cannot."""

from __future__ import annotations

from typing import Any

import requests

from sandbox.state import ApiError
from sandbox.world import FLEET, PERSON, SERVER
from tests.acceptance.outside import HEADERS
from tests.github.stepping import Stepper


def propose_words(steps: Stepper) -> dict[str, Any]:
    """A bump of words alone, in a fleet whose bumps merge by themselves where nothing needs a review."""
    file = (steps.world.checkouts / "aios-win/.github/aios-bot.yml").read_text()
    steps.world.push(FLEET, {".github/aios-bot.yml": f"{file}review:\n  auto_merge: true\n"}, "Merge by itself")
    steps.world.push(SERVER, {"docs/words.md": "words\n"}, "Words")
    steps.settle()
    (pull,) = steps.outside.pulls(FLEET, "all")
    found: dict[str, Any] = steps.outside.get(f"/repos/{FLEET}/pulls/{pull['number']}")
    return found


def said(steps: Stepper, pull: dict[str, Any]) -> str:
    """What the review's check says."""
    return str(steps.check_on(FLEET, pull["head"]["sha"], "aios/review")["output"])


def post_status(steps: Stepper, sha: str, state: str) -> None:
    """What some CI says of a commit, as `tests`."""
    url = f"{steps.hub.url}/api/v3/repos/{FLEET}/statuses/{sha}"
    headers = HEADERS | {"Authorization": f"Bearer {steps.world.token}"}
    assert requests.post(url, json={"state": state, "context": "tests"}, headers=headers, timeout=30).ok
    steps.settle()


def test_signatures_are_required(steps: Stepper) -> None:
    """Docs, about commit signature verification: GitHub signs an App's commit that names no author of its own."""
    steps.hub.set_rules(FLEET, "main", signed=True)
    assert propose_words(steps)["merged"]
    assert steps.take_order() is not None


def test_linear_history_is_required(steps: Stepper) -> None:
    """405 "This branch must not contain merge commits": the bot squashes, and its own merge gives the order."""
    steps.hub.set_rules(FLEET, "main", linear=True)
    assert propose_words(steps)["merged"]
    assert steps.take_order() is not None


def test_auto_merge_is_not_allowed(steps: Stepper) -> None:
    """GraphQL "Auto merge is not allowed for this repository": a person merges, and reads why."""
    app = {"aios/review": steps.world.app.id}
    steps.hub.set_rules(FLEET, "main", contexts=["aios/review", "tests"], sources=app)
    pull = propose_words(steps)
    assert not pull["merged"]
    assert "Auto merge is not allowed" in said(steps, pull)
    assert steps.failed == []


def test_branches_have_to_be_up_to_date(steps: Stepper) -> None:
    """`mergeable_state: behind`: auto-merge waits for the branch, and updates none (macanderson/stella#1527,
    pascalgn/automerge-action#74). The bot updates its own."""
    app = {"aios/review": steps.world.app.id}
    steps.hub.set_rules(FLEET, "main", contexts=["aios/review", "tests"], sources=app, strict=True)
    steps.hub.allow_auto_merge(FLEET)
    pull = propose_words(steps)
    assert pull["auto_merge"]
    steps.world.push(FLEET, {"README.md": "Another.\n"}, "The base moves")
    steps.settle()
    post_status(steps, pull["head"]["sha"], "success")
    steps.look_around()
    head = steps.outside.get(f"/repos/{FLEET}/pulls/{pull['number']}")["head"]["sha"]
    assert head != pull["head"]["sha"], "its branch stays behind"
    post_status(steps, head, "success")
    steps.settle()
    assert steps.outside.get(f"/repos/{FLEET}/pulls/{pull['number']}")["merged"]
    assert steps.failed == []


def test_a_check_that_nobody_requires_has_not_succeeded(steps: Stepper) -> None:
    """`mergeable_state: unstable`: "Merging is allowed" (octokit/octokit.net#1763), and auto-merge is refused
    (peter-evans/enable-pull-request-automerge#355): it is merged like what is clean."""
    steps.hub.allow_auto_merge(FLEET)
    steps.hub.behaviours.never_finds_out_mergeability = True
    pull = propose_words(steps)
    post_status(steps, pull["head"]["sha"], "pending")
    steps.hub.behaviours.never_finds_out_mergeability = False
    steps.advance(10)
    assert steps.outside.get(f"/repos/{FLEET}/pulls/{pull['number']}")["merged"], said(steps, pull)
    assert steps.failed == []


def test_a_ruleset_forbids_the_merge(steps: Stepper) -> None:
    """405 "Repository rule violations found" although nothing is missing: said in the check, and no job fails."""
    steps.hub.set_rules(FLEET, "main", is_frozen=True)
    pull = propose_words(steps)
    assert not pull["merged"]
    assert "Cannot update this protected ref" in said(steps, pull)
    assert steps.failed == []


def carry_out(steps: Stepper) -> dict[str, Any]:
    """What the node is given, which succeeds."""
    steps.settle()
    order = steps.take_order()
    assert order is not None
    steps.report(order, "success")
    steps.settle()
    return order.order


def test_mergeability_is_not_known_yet(steps: Stepper) -> None:
    """`mergeable: null` until a job in the background has ended (REST: pulls/get): merged as soon as it is known."""
    steps.hub.behaviours.finds_out_mergeability = True
    number = propose_words(steps)["number"]
    steps.advance(30)
    assert steps.outside.get(f"/repos/{FLEET}/pulls/{number}")["merged"]
    assert steps.failed == []


def test_mergeability_is_never_known(steps: Stepper) -> None:
    """It stays `null` for hours (pascalgn/automerge-action#70): asked less and less often, and then said in the
    check, once."""
    steps.hub.behaviours.never_finds_out_mergeability = True
    pull = propose_words(steps)
    steps.hub.requests.clear()
    steps.advance(200)
    asked = [one for one in steps.hub.requests if one.route.endswith("/pulls/{number}") and one.method == "GET"]
    assert 3 < len(asked) < 12, [one.path for one in asked]
    steps.advance(1_200)
    assert "GitHub does not say whether this can be merged" in said(steps, pull)
    assert steps.failed == []


def squash(steps: Stepper, number: int) -> None:
    """As a person, whom rules may keep from it."""
    try:
        steps.merge(number, method="squash")
    except ApiError as refused:
        raise AssertionError(f"#{number} is not to be merged: {refused}") from None
    steps.settle()


def test_a_rollback_moves_the_pin_back_under_rules(steps: Stepper) -> None:
    """Its pull request is signed, too, and a person squashes it; what was rolled back is not proposed again."""
    steps.hub.set_rules(FLEET, "main", signed=True, linear=True)
    good = steps.bump()
    squash(steps, good["number"])
    carry_out(steps)
    bad = steps.bump("whoami:v1.10", "whoami:v1.11")
    squash(steps, bad["number"])
    carry_out(steps)
    steps.hub.comment(FLEET, bad["number"], "/rollback", by=PERSON)
    assert carry_out(steps)["kind"] == "rollback"
    (back,) = steps.outside.pulls(FLEET)
    squash(steps, back["number"])
    pins = {steps.outside.pin(FLEET, ref) for ref in ("main", good["head"]["sha"])}
    assert len(pins) == 1, "the pin is not that of the first one"
    assert steps.outside.pulls(FLEET) == []
    assert steps.failed == []
