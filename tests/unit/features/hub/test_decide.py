"""Whether a hub shows a fleet: both sides agree, and nothing private becomes public by itself."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from bot.domain.names import RepoName
from bot.features.hub.decide import HubReason, decide_hub_fleet
from bot.features.hub.facts import HubFleetFacts


def facts(**changes: Any) -> HubFleetFacts:
    given: dict[str, Any] = {"named": True, "listed": None, "publish": False, "private": False, "hub_private": False}
    return HubFleetFacts(fleet=RepoName("o/f"), **(given | changes))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (facts(), HubReason.SHOWN),
        (facts(listed=True), HubReason.SHOWN),
        (facts(listed=False), HubReason.NOT_LISTED),
        (facts(named=False), HubReason.NOT_NAMED),
        (facts(named=False, listed=True), HubReason.NOT_NAMED),
        (facts(named=False, listed=True, publish=True), HubReason.NOT_NAMED),
        (facts(private=True), HubReason.WOULD_PUBLISH),
        (facts(private=True, listed=True), HubReason.WOULD_PUBLISH),
        (facts(private=True, hub_private=True), HubReason.SHOWN),
        (facts(private=True, publish=True), HubReason.SHOWN),
        (facts(private=True, publish=True, listed=False), HubReason.NOT_LISTED),
        (facts(hub_private=True), HubReason.SHOWN),
    ],
)
def test_why_a_fleet_is_shown_or_not(given: HubFleetFacts, reason: HubReason) -> None:
    assert decide_hub_fleet(given) is reason


def test_nothing_private_is_shown_in_public_unless_its_own_file_says_so() -> None:
    either = (True, False)
    for named, listed, publish, private, hub in itertools.product(
        either, (True, False, None), either, either, either
    ):
        given = facts(named=named, listed=listed, publish=publish, private=private, hub_private=hub)
        shown = decide_hub_fleet(given) is HubReason.SHOWN
        assert not shown or (named and listed is not False and (not private or hub or publish))
