"""Which fleets' plans an upstream's pull request may show. Pure: facts in, one reason out.

A pull request is read by whoever may read its repository, so a fleet is shown only where that tells nobody anything
new: names of nodes and stacks of a private fleet do not belong under a public pull request unless the fleet says so.
A fleet of another account is never shown: anybody may make one that pins a repository of ours.
"""

from __future__ import annotations

from enum import StrEnum

from bot.domain.values import Value
from bot.fleetfile import ShowUpstream


class ShownReason(StrEnum):
    """Why a fleet's plan is shown under an upstream's pull request, or is not."""

    SHOWN = "shown"
    ANOTHER_BRANCH = "another_branch"  # the fleet does not follow the branch that the pull request merges into
    ANOTHER_ACCOUNT = "another_account"
    PRIVATE_FLEET = "private_fleet"
    NOT_WANTED = "not_wanted"


class FleetFacts(Value, frozen=True):
    """What is known of one fleet that pins the upstream."""

    follows: bool  # the branch that the pull request merges into
    same_installation: bool
    fleet_private: bool
    upstream_private: bool
    wish: ShowUpstream


def decide_shown(facts: FleetFacts) -> ShownReason:
    """Whether this fleet's plan is shown."""
    if not facts.follows:
        return ShownReason.ANOTHER_BRANCH
    if not facts.same_installation:
        return ShownReason.ANOTHER_ACCOUNT
    if facts.wish is ShowUpstream.NEVER:
        return ShownReason.NOT_WANTED
    if facts.fleet_private and not facts.upstream_private and facts.wish is not ShowUpstream.ALWAYS:
        return ShownReason.PRIVATE_FLEET
    return ShownReason.SHOWN
