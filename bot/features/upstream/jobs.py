"""What the bot looks at because of a pull request in an upstream: what would it do to the fleets that pin it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.names import InstallationId, PullNumber, RepoName
from bot.domain.values import StoredValue

if TYPE_CHECKING:
    from bot.features.fleets.facts import PinIndex
    from bot.github.events import CheckRerequested, PullRequestChanged

_TOLD = {"opened", "reopened", "synchronize", "edited"}


class SyncUpstreamPull(StoredValue, frozen=True, tag="upstream_pull"):
    """What would merging this pull request do on every fleet? Leads to its check run and one comment."""

    upstream: RepoName
    installation: InstallationId
    number: PullNumber

    @property
    def key(self) -> str:
        return f"upstream:{self.upstream}"


class SyncUpstream(StoredValue, frozen=True, tag="upstream"):
    """Look at every open pull request of an upstream: a delivery may have been lost, or a fleet changed."""

    upstream: RepoName
    installation: InstallationId

    @property
    def key(self) -> str:
        return f"upstream:{self.upstream}"


UpstreamLook = SyncUpstreamPull | SyncUpstream


def route_upstream_pull(event: PullRequestChanged, index: PinIndex) -> tuple[UpstreamLook, ...]:
    """The look that a pull request of a pinned repository calls for."""
    if event.action not in _TOLD or not any(pin.tracked == event.base for pin in index.pinned_by(event.repo)):
        return ()
    return (SyncUpstreamPull(upstream=event.repo, installation=event.installation, number=event.number),)


def route_upstream_check(event: CheckRerequested, index: PinIndex) -> tuple[UpstreamLook, ...]:
    """The look that "Re-run" on one of our checks in a pinned repository calls for."""
    if not index.pinned_by(event.repo):
        return ()
    return (SyncUpstream(upstream=event.repo, installation=event.installation),)
