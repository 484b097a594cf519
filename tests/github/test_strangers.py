"""What somebody without permission writes costs next to nothing, and is answered once."""

from __future__ import annotations

from typing import Any

import pytest

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
