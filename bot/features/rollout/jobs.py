"""The job that brings a merged pin to the nodes, and what triggers it."""

from __future__ import annotations

from msgspec.structs import replace

from bot.domain.events import DeploymentChanged, Event, PullRequestChanged, WorkflowRunCompleted
from bot.domain.names import BranchName, CommitSha, InstallationId, PullNumber, RepoName
from bot.features.fleets.facts import PinIndex
from bot.features.fleets.jobs import FleetRead, FoundEvent, Job, NodesFreed, PinsJob


class SyncRollout(PinsJob, frozen=True, tag="rollout"):
    """Compare the nodes with what a merged pull request approved. Leads to orders and the rollout comment."""

    merged: PullNumber | None = None  # the pull request whose merge it follows: GitHub may not list it yet
    merge_commit: CommitSha | None = None
    tries: int = 0  # how often it looked again because GitHub's answer may have come too early

    def again(self, at: int | None, *, tries: int) -> list[SyncRollout]:
        """The same look at a later time (seconds since the epoch); None: not again."""
        return [] if at is None else [replace(self, not_before=at, tries=tries)]


def triggers(event: Event | FoundEvent, index: PinIndex) -> list[Job]:
    """The jobs of this feature that `event` calls for."""
    match event:
        case DeploymentChanged() | WorkflowRunCompleted():
            return [*_sync(event.repo, event.installation, [pin.base for pin in index.pins_of(event.repo)])]
        case PullRequestChanged() if event.merged:
            bases = [pin.base for pin in index.pins_of(event.repo) if pin.base == event.base]
            found = _sync(event.repo, event.installation, bases)
            return [replace(job, merged=event.number, merge_commit=event.merge_commit) for job in found]
        case FleetRead():
            return [*_sync(event.fleet, event.installation, event.bases)]
        case NodesFreed():
            return [*_sync(event.fleet, event.installation, [pin.base for pin in index.pins_of(event.fleet)])]
    return []


def _sync(
    fleet: RepoName, installation: InstallationId, bases: list[BranchName] | tuple[BranchName, ...]
) -> list[SyncRollout]:
    return [SyncRollout(fleet=fleet, installation=installation, base=base) for base in dict.fromkeys(bases)]
