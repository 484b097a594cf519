"""The job that brings a merged pin to the nodes, and what triggers it."""

from __future__ import annotations

from bot.domain.events import DeploymentChanged, Event, PullRequestChanged, WorkflowRunCompleted
from bot.domain.names import BranchName, InstallationId, RepoName
from bot.features.fleets.facts import PinIndex
from bot.features.fleets.jobs import FleetRead, FoundEvent, Job, NodesFreed, PinsJob


class SyncRollout(PinsJob, frozen=True, tag="rollout"):
    """Compare the nodes with what a merged pull request approved. Leads to orders and the rollout comment."""


def triggers(event: Event | FoundEvent, index: PinIndex) -> list[Job]:
    """The jobs of this feature that `event` calls for."""
    match event:
        case DeploymentChanged() | WorkflowRunCompleted():
            return _sync(event.repo, event.installation, [pin.base for pin in index.pins_of(event.repo)])
        case PullRequestChanged() if event.merged:
            bases = [pin.base for pin in index.pins_of(event.repo) if pin.base == event.base]
            return _sync(event.repo, event.installation, bases)
        case FleetRead():
            return _sync(event.fleet, event.installation, event.bases)
        case NodesFreed():
            return _sync(event.fleet, event.installation, [pin.base for pin in index.pins_of(event.fleet)])
    return []


def _sync(
    fleet: RepoName, installation: InstallationId, bases: list[BranchName] | tuple[BranchName, ...]
) -> list[Job]:
    return [SyncRollout(fleet=fleet, installation=installation, base=base) for base in dict.fromkeys(bases)]
