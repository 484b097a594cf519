"""What decides whether a hub shows a fleet. Pure."""

from __future__ import annotations

from bot.domain.names import RepoName
from bot.domain.values import Value


class HubFleetFacts(Value, frozen=True):
    """One fleet that a hub might show. `listed` is None where the hub has no list of its own."""

    fleet: RepoName
    named: bool  # its own fleet file, on its default branch, names this hub
    listed: bool | None
    publish: bool  # its fleet file says that a public hub may show it
    private: bool  # it, or one of the repositories that it pins
    hub_private: bool
