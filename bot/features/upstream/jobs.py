"""The jobs that tell an upstream's pull requests what they would do to the fleets, and what triggers them."""

from __future__ import annotations

from bot.domain.events import AccessChanged, CheckRerequested, Event, PullRequestChanged
from bot.domain.names import InstallationId, PullNumber, RepoName
from bot.features.fleets.facts import PinIndex
from bot.features.fleets.jobs import FleetRead, FoundEvent, Job

_SHOWN_ON = {"opened", "reopened", "synchronize", "edited"}


class UpstreamJob(Job, frozen=True):
    """A job on one upstream: it works on the upstream and on the installation's fleets that pin it."""

    upstream: RepoName
    installation: InstallationId

    @property
    def key(self) -> str:
        return f"upstream:{self.upstream}"

    def repositories(self, index: PinIndex) -> tuple[RepoName, ...]:
        pins = index.pinned_by(self.upstream)
        return (self.upstream, *sorted({pin.fleet for pin in pins if pin.installation == self.installation}))


class SyncUpstreamPull(UpstreamJob, frozen=True, tag="upstream_pull"):
    """Plan what merging this pull request would do on every fleet. Leads to its check run and one comment."""

    number: PullNumber


class SyncUpstream(UpstreamJob, frozen=True, tag="upstream"):
    """List an upstream's open pull requests: a delivery may have been lost, or a fleet changed."""


def triggers(event: Event | FoundEvent, index: PinIndex) -> list[Job]:
    """The jobs of this feature that `event` calls for."""
    match event:
        case PullRequestChanged() if event.action in _SHOWN_ON:
            if any(pin.tracked == event.base for pin in index.pinned_by(event.repo)):
                return [SyncUpstreamPull(upstream=event.repo, installation=event.installation, number=event.number)]
        case AccessChanged() if event.repo and index.pinned_by(event.repo):
            return [SyncUpstream(upstream=event.repo, installation=event.installation)]
        case CheckRerequested() if index.pinned_by(event.repo):
            return [SyncUpstream(upstream=event.repo, installation=event.installation)]
        case FleetRead():
            upstreams = dict.fromkeys(pin.upstream for pin in event.pins)
            return [SyncUpstream(upstream=upstream, installation=event.installation) for upstream in upstreams]
    return []
