"""What an account has paid for: GitHub's answers about the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.github.stepping import Stepper, stepping
from tests.github.test_shapes import propose_words, said


@pytest.fixture
def private(tmp_path: Path) -> Iterator[Stepper]:
    """Private repositories of an account with the free plan."""
    with stepping(tmp_path, private=True) as found:
        found.hub.behaviours.free_plan = True
        found.begin()
        yield found


def test_a_free_plan_has_no_rulesets_for_private_repositories(private: Stepper) -> None:
    """403 "Upgrade to GitHub Pro or make this repository public" (github/branch-deploy#345): no rules, and no reason
    not to merge."""
    pull = propose_words(private)
    assert pull["merged"], said(private, pull)
    assert private.take_order() is not None
    assert private.failed == []
