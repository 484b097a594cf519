"""Whose approval counts is a matter of what they may do, and that changes after they approved."""

from __future__ import annotations

import requests

from sandbox.world import FLEET
from tests.github.stepping import Stepper


def test_a_reviewer_loses_write_permission(steps: Stepper) -> None:
    """`member.removed` (webhook events and payloads): the review stays "approved" on GitHub; the check asks again."""
    hub = steps.hub
    token = hub.create_user("ada")
    hub.set_permission(FLEET, "ada", "write")
    pull = steps.bump()
    url = f"{hub.url}/api/v3/repos/{FLEET}/pulls/{pull['number']}/reviews"
    body = {"event": "APPROVE", "commit_id": pull["head"]["sha"]}
    assert requests.post(url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=30).ok
    steps.settle()
    assert steps.check_on(FLEET, pull["head"]["sha"], "aios/review")["conclusion"] == "success"
    hub.remove_collaborator(FLEET, "ada")
    steps.settle()
    assert steps.check_on(FLEET, pull["head"]["sha"], "aios/review")["conclusion"] != "success"
    assert steps.failed == []
