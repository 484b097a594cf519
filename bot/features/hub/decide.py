"""Which fleets a hub shows: those that both sides name, and nothing private in public. Pure."""

from __future__ import annotations

from enum import StrEnum

from bot.features.hub.facts import HubFleetFacts


class HubReason(StrEnum):
    """Why a fleet is shown in a hub, or left out."""

    SHOWN = "shown"
    NOT_NAMED = "not_named"  # the fleet's own file does not name the hub
    NOT_LISTED = "not_listed"  # the hub has a list, and the fleet is not in it
    WOULD_PUBLISH = "would_publish"  # the hub is public, the fleet or an upstream of it is not


def decide_hub_fleet(facts: HubFleetFacts) -> HubReason:
    """Whether the hub shows the fleet.

    Who may write the hub may not be able to read the fleet, so the hub's list alone shows nothing.
    """
    if not facts.named:
        return HubReason.NOT_NAMED
    if facts.listed is False:
        return HubReason.NOT_LISTED
    if facts.private and not facts.hub_private and not facts.publish:
        return HubReason.WOULD_PUBLISH
    return HubReason.SHOWN
