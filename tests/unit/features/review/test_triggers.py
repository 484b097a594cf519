"""Which pull requests are judged again after an event, and for which of their heads."""

from __future__ import annotations

import pytest

from bot.domain.names import InstallationId
from bot.features.review.jobs import SyncReview, triggers
from tests.unit.features.bump.test_pull import HEAD, INDEX, changed
from tests.unit.service.test_router import OTHER


@pytest.mark.parametrize("action", ["opened", "reopened", "synchronize"])
def test_a_new_head_is_judged_with_its_commit(action: str) -> None:
    event = changed(action)
    expected = SyncReview(fleet=event.repo, installation=event.installation, number=event.number, head=HEAD)
    assert triggers(event, INDEX) == [expected]


@pytest.mark.parametrize("action", ["edited", "ready_for_review", "auto_merge_enabled"])
def test_another_change_is_of_no_new_head(action: str) -> None:
    event = changed(action)
    assert triggers(event, INDEX) == [
        SyncReview(fleet=event.repo, installation=event.installation, number=event.number)
    ]


def test_what_concerns_no_fleet_or_is_closed_is_not_judged() -> None:
    assert triggers(changed(repo=OTHER, installation=InstallationId(9)), INDEX) == []
    assert triggers(changed("closed"), INDEX) == []
