"""The job that keeps a hub's documents, and what triggers it."""

from __future__ import annotations

from collections.abc import Iterable

from bot.domain.events import Event, Push, WorkflowRunCompleted
from bot.domain.names import InstallationId, RepoName
from bot.features.fleets.facts import PinIndex, Pinned
from bot.features.fleets.jobs import FleetRead, FoundEvent, HubFound, Job


class SyncHub(Job, frozen=True, tag="hub"):
    """Compare a hub's documents with its fleets. Leads to the hub's one pull request."""

    hub: RepoName
    installation: InstallationId

    @property
    def key(self) -> str:
        return f"hub:{self.hub}"

    def repositories(self, index: PinIndex) -> tuple[RepoName, ...]:
        shown = {repo for pin in index.pins_shown_by(self.hub) for repo in (pin.fleet, pin.upstream)}
        return (self.hub, *sorted(shown - {self.hub}))


def triggers(event: Event | FoundEvent, index: PinIndex) -> list[Job]:
    """The jobs of this feature that `event` calls for."""
    match event:
        case WorkflowRunCompleted():
            # A deployment reports every step; its run ends once, and that is when the documents change.
            return _sync(index.pins_of(event.repo))
        case Push():
            return _sync(index.pins_shown_by(event.repo))
        case FleetRead():
            return _sync(event.pins)
        case HubFound():
            return [SyncHub(hub=event.hub, installation=event.installation)]
    return []


def _sync(pins: Iterable[Pinned]) -> list[Job]:
    """A job for each hub that shows one of `pins`."""
    named = {(hub, pin.installation) for pin in pins for hub in (pin.hub, pin.listed_by) if hub is not None}
    return [SyncHub(hub=hub, installation=installation) for hub, installation in sorted(named)]
