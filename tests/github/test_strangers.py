"""What somebody without permission writes costs next to nothing, and is answered once."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from bot.features.commands.decide import attention
from sandbox.world import FLEET, NODE, PERSON
from tests.github.stepping import Stepper

STRANGER = "passer-by"


def say(steps: Stepper, number: int, text: str, *, by: str) -> list[str]:
    """Comment, and give the requests that it led to."""
    steps.hub.requests.clear()
    steps.hub.comment(FLEET, number, text, by=by)
    steps.settle()
    assert steps.failed == []
    return [f"{one.method} {one.path}" for one in steps.hub.requests if "/access_tokens" not in one.path]


def review(steps: Stepper, number: int, text: str, *, by: str) -> None:
    """Submit a review with that text, which approves nothing."""
    token = steps.hub.create_user(by)
    url = f"{steps.hub.url}/api/v3/repos/{FLEET}/pulls/{number}/reviews"
    body = {"event": "COMMENT", "body": text}
    assert requests.post(url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=30).ok
    steps.settle()
    assert steps.failed == []


def replies(steps: Stepper, number: int) -> list[Any]:
    return [one["body"] for one in steps.outside.comments(FLEET, number) if "aios-bot:reply" in one["body"]]


def test_a_stranger_is_answered_once_and_then_costs_nothing(steps: Stepper) -> None:
    """Anybody may comment on a public repository (docs: limiting interactions), and each answer counts against the
    installation's hour (docs: rate limits for the REST API)."""
    number = steps.bump()["number"]
    first = say(steps, number, f"/deploy {NODE}", by=STRANGER)
    assert [one.split(" ")[0] for one in first] == ["POST", "GET", "POST"], first
    (told,) = replies(steps, number)
    assert "not allowed" in told
    assert "ten minutes" in told
    for text in (f"/deploy {NODE}", "/status", "/help", "/nonsense"):
        assert say(steps, number, text, by=STRANGER) == []
    assert len(replies(steps, number)) == 1
    assert steps.take_order() is None
    # Others are heard, and the stranger is again when the ten minutes are over.
    assert say(steps, number, "/help", by=PERSON) != []
    steps.advance(601)
    assert say(steps, number, "/status", by=STRANGER) != []
    assert len(replies(steps, number)) == 3


def test_a_person_who_asks_too_much_is_told_once(steps: Stepper, monkeypatch: pytest.MonkeyPatch) -> None:
    """80 contents made in a minute, 500 in an hour (docs: secondary rate limits): one person must not use them up."""
    monkeypatch.setattr(attention, "MOST_COMMANDS", 3)
    number = steps.bump()["number"]
    for _ in range(3):
        assert say(steps, number, "/help", by=PERSON) != []
    assert len(say(steps, number, f"/deploy {NODE}", by=PERSON)) == 1
    assert "more than 30 commands" in replies(steps, number)[-1]
    assert say(steps, number, f"/deploy {NODE}", by=PERSON) == []
    assert steps.take_order() is None
    steps.advance(601)
    say(steps, number, f"/deploy {NODE}", by=PERSON)
    assert steps.take_order() is not None


def test_a_command_stands_in_a_review(steps: Stepper) -> None:
    """A review's event has no `performed_via_github_app`, which a comment's has (webhook events and payloads): an app
    may have written it in a person's name. It is refused in words, and costs no more than a comment."""
    number = steps.bump()["number"]
    steps.hub.set_permission(FLEET, "ada", "write")
    for text in ("/lgtm", "Looks good.\n/deploy", ""):
        review(steps, number, text or "-", by="ada")
    assert replies(steps, number) == []
    review(steps, number, f"/deploy {NODE}\n\nLooks good.", by="ada")
    (answer,) = replies(steps, number)
    assert "A command in a review is not carried out." in answer
    assert "Write the command as a comment." in answer
    assert steps.take_order() is None
    for _ in range(3):
        review(steps, number, f"/deploy {NODE}", by=STRANGER)
    assert len(replies(steps, number)) == 2, "the stranger is answered once"
    assert "not allowed" in replies(steps, number)[-1]
    assert steps.take_order() is None
    assert say(steps, number, f"/deploy {NODE}", by="ada") != []
    assert steps.take_order() is not None
