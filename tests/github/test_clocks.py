"""The service's machine has another time than GitHub."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from bot.domain.names import InstallationId
from sandbox.faults import Fault
from sandbox.world import FLEET, PERSON
from tests.github.stepping import Stepper

AHEAD = 3600  # seconds by which our clock is ahead


def test_the_hours_requests_are_used_up_and_the_clock_is_ahead(steps: Stepper) -> None:
    """`x-ratelimit-reset` is a time of GitHub's own clock, which `date` tells (docs: rate limits for the REST API):
    one wait until then, and not a request every second."""
    number = steps.bump()["number"]
    there = time.time() - AHEAD
    spent = {
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": str(int(there) + 600),
        "date": formatdate(there, usegmt=True),
    }
    steps.hub.faults.append(
        Fault(lambda *_: True, 403, times=50, headers=spent, message="API rate limit exceeded for installation ID 1.")
    )
    steps.hub.comment(FLEET, number, "/help", by=PERSON)
    steps.settle()
    waits = {round(held.due - steps.clock.now, -1) for held in steps.waiting if "Command" in type(held.job).__name__}
    assert waits == {600}
    assert steps.failed == []


def test_the_clock_is_ahead_by_more_than_a_key_may_be(steps: Stepper, monkeypatch: pytest.MonkeyPatch) -> None:
    """401 "'Expiration time' claim ('exp') is too far in the future" (octokit/auth-app.js#698): asked less and less
    often, for GitHub blocks clients whose many requests it cannot authenticate."""
    app = steps.service.app
    app.renew(InstallationId(steps.world.installation))
    monkeypatch.setattr(app._own_budget, "_clock", steps.clock)
    far = Fault(
        lambda _method, path: path.startswith("/api/v3/app/"),
        401,
        times=1_000,
        headers={"date": formatdate(steps.clock.now - AHEAD, usegmt=True)},
        message="'Expiration time' claim ('exp') is too far in the future",
    )
    steps.hub.faults.append(far)
    steps.push_upstream()
    steps.advance(600)
    assert 3 < far.played < 30
    assert steps.failed == []
