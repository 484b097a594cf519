"""Somebody presses Re-run: GitHub puts the suite back to queued, and waits for the App."""

from __future__ import annotations

import pytest

from sandbox.world import FLEET, PERSON
from tests.github.stepping import Stepper


@pytest.mark.parametrize("name", ["aios/plan", ""])
def test_a_check_is_rerequested(steps: Stepper, name: str) -> None:
    """`check_run.rerequested`, `check_suite.rerequested` (packit/packit-service#1307): completed again."""
    pull = steps.bump()
    steps.hub.rerequest(FLEET, pull["head"]["sha"], name, by=PERSON)
    assert "aios/plan" in steps.hub.rerequested_checks(FLEET)
    steps.settle()
    assert steps.hub.rerequested_checks(FLEET) == []
    assert steps.failed == []
