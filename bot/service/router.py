"""What the bot goes and looks at, as values: the unit of work in the queue.

A webhook only says "look again". `route` turns an Event into Looks with nothing but the index of who pins
what; the look itself starts from facts read at that moment, so a lost, repeated or reordered event changes
nothing. Work with the same `key` never overlaps.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from bot.domain.names import BranchName, InstallationId, RepoName, SubmodulePath
from bot.domain.values import Value
from bot.features.commands.triggers import LookAtAsked, LookAtPullEnd, LookAtReview, PullLook, route_people
from bot.features.upstream.triggers import UpstreamLook, route_upstream_check, route_upstream_pull
from bot.fleetfile.submodules import ShowUpstream
from bot.github.events import (
    CheckRerequested,
    ChecksCompleted,
    DeploymentChanged,
    Event,
    InstallationChanged,
    Ping,
    PullRequestChanged,
    Push,
    WorkflowRunCompleted,
)
from bot.github.people_events import ButtonPressed, Commented, Reviewed


class LookAtBump(Value, frozen=True, tag="bump"):
    """Is one submodule of one base branch of a fleet where its upstream is? Leads to the bump pull request."""

    fleet: RepoName
    installation: InstallationId
    base: BranchName
    submodule: SubmodulePath

    @property
    def key(self) -> str:
        return self.fleet


class LookAtRollout(Value, frozen=True, tag="rollout"):
    """Do the nodes run what a merged pull request approved? Leads to deployments and their sticky comment."""

    fleet: RepoName
    installation: InstallationId
    base: BranchName
    not_before: int = 0  # seconds since the epoch; it waits in the queue until then (a soak time, an absent node)

    @property
    def key(self) -> str:
        return self.fleet


class LookAtDrift(Value, frozen=True, tag="drift"):
    """Do the nodes still run what they were given? Leads to read-only orders, and to issues."""

    fleet: RepoName
    installation: InstallationId
    base: BranchName
    not_before: int = 0  # seconds since the epoch; it waits in the queue until then

    @property
    def key(self) -> str:
        return self.fleet


class LookAtFleet(Value, frozen=True, tag="fleet"):
    """Read a repository's fleet file and pins anew, refresh the index, and look at all its bumps and rollouts."""

    fleet: RepoName
    installation: InstallationId

    @property
    def key(self) -> str:
        return self.fleet


class LookAround(Value, frozen=True, tag="around"):
    """List every installation of the App, and look at each."""

    @property
    def key(self) -> str:
        return "app"


class LookAtDeliveries(Value, frozen=True, tag="deliveries"):
    """Compare GitHub's list of deliveries with what came in, and take in what is missing."""

    @property
    def key(self) -> str:
        return "deliveries"


class LookAtInstallation(Value, frozen=True, tag="installation"):
    """List the repositories of an installation, and look at each that may be a fleet."""

    installation: InstallationId

    @property
    def key(self) -> str:
        return f"installation:{self.installation}"


class LookAtHub(Value, frozen=True, tag="hub"):
    """Do a hub's documents say how its fleets are? Leads to its one pull request."""

    hub: RepoName
    installation: InstallationId

    @property
    def key(self) -> str:
        return f"hub:{self.hub}"


Look = (
    LookAtHub
    | LookAtBump
    | LookAtRollout
    | LookAtDrift
    | LookAtFleet
    | LookAtInstallation
    | LookAround
    | LookAtDeliveries
    | UpstreamLook
    | PullLook
)


class Pinned(Value, frozen=True):
    """One row of the index: `fleet` pins `upstream` at `submodule` on branch `base`, and follows `tracked`."""

    fleet: RepoName
    installation: InstallationId
    base: BranchName
    default_branch: BranchName  # of the fleet: where its deploy workflow is dispatched
    submodule: SubmodulePath
    upstream: RepoName
    tracked: BranchName
    waits_for_checks: bool
    hub: RepoName | None = None  # whose documents show it, as its own file says
    listed_by: RepoName | None = None  # the same, as the hub's file says
    show_upstream: ShowUpstream = ShowUpstream.AUTO
    prefix: str = "/"  # of the fleet's commands


class PinIndex(Protocol):
    """Who pins what, as last read. Staleness heals: a change of a fleet is itself an event."""

    def pinned_by(self, upstream: RepoName) -> tuple[Pinned, ...]:
        """Every pin that points at `upstream`, over all fleets."""

    def pins_of(self, fleet: RepoName) -> tuple[Pinned, ...]:
        """Every pin that `fleet` holds; empty when the repository is no fleet."""

    def pins_shown_by(self, hub: RepoName) -> tuple[Pinned, ...]:
        """Every pin of the fleets that name `hub`, or that its own file lists; all of them are of its owner."""


def hubs_of(pins: Iterable[Pinned]) -> tuple[LookAtHub, ...]:
    """The looks at the hubs that show `pins`."""
    named = {(hub, pin.installation) for pin in pins for hub in (pin.hub, pin.listed_by) if hub is not None}
    return tuple(LookAtHub(hub=hub, installation=installation) for hub, installation in sorted(named))


def route(event: Event, index: PinIndex) -> tuple[Look, ...]:
    """The Looks that `event` calls for; empty when no fleet is concerned. Pure but for the index it is given."""
    match event:
        case Ping():
            return ()
        case InstallationChanged():
            return (LookAtInstallation(installation=event.installation),)
        case Push():
            return _route_push(event, index)
        case PullRequestChanged():
            return _route_pull_request(event, index)
        case ChecksCompleted():
            waiting = (pin for pin in index.pinned_by(event.repo) if pin.waits_for_checks)
            return tuple(_bump(pin) for pin in waiting)
        case CheckRerequested():
            bumps = (_bump(pin) for pin in index.pins_of(event.repo))
            return (*bumps, *route_upstream_check(event, index))
        case DeploymentChanged() | WorkflowRunCompleted():
            return _route_order(event, index)
        case Commented() | Reviewed() | ButtonPressed():
            return route_people(event, index)


def _bump(pin: Pinned) -> LookAtBump:
    return LookAtBump(fleet=pin.fleet, installation=pin.installation, base=pin.base, submodule=pin.submodule)


def _route_order(event: DeploymentChanged | WorkflowRunCompleted, index: PinIndex) -> tuple[Look, ...]:
    fleet, installation = event.repo, event.installation
    own = index.pins_of(fleet)
    bases = dict.fromkeys(pin.base for pin in own)
    looks: list[Look] = [LookAtRollout(fleet=fleet, installation=installation, base=base) for base in bases]
    if bases:
        looks.append(LookAtAsked(fleet=fleet, installation=installation))
    # A question whose node never answers has no other end than its run's; and a node with another order waits for it.
    if isinstance(event, WorkflowRunCompleted) or event.task.startswith("drift:"):
        looks += [LookAtDrift(fleet=fleet, installation=installation, base=base) for base in bases]
    # A deployment tells of every step; its run ends once, and that is when the documents change.
    return (*looks, *(hubs_of(own) if isinstance(event, WorkflowRunCompleted) else ()))


def _route_push(push: Push, index: PinIndex) -> tuple[Look, ...]:
    looks: list[Look] = [_bump(pin) for pin in index.pinned_by(push.repo) if pin.tracked == push.branch]
    own = index.pins_of(push.repo)
    if any(pin.base == push.branch for pin in own) or (not own and push.may_make_fleet):
        looks.append(LookAtFleet(fleet=push.repo, installation=push.installation))
    looks.extend(_bump(pin) for pin in own if push.branch == bump_branch(pin.base, pin.submodule))
    looks.extend(hubs_of(index.pins_shown_by(push.repo)))
    return tuple(looks)


def _route_pull_request(event: PullRequestChanged, index: PinIndex) -> tuple[Look, ...]:
    looks: list[Look] = [
        _bump(pin) for pin in index.pins_of(event.repo) if event.head == bump_branch(pin.base, pin.submodule)
    ]
    looks.extend(route_upstream_pull(event, index))
    if event.merged and any(pin.base == event.base for pin in index.pins_of(event.repo)):
        looks.append(LookAtRollout(fleet=event.repo, installation=event.installation, base=event.base))
    if event.action == "closed":
        if index.pins_of(event.repo):
            looks.append(LookAtPullEnd(fleet=event.repo, installation=event.installation, number=event.number))
    elif index.pins_of(event.repo) or index.pinned_by(event.repo):
        looks.append(LookAtReview(fleet=event.repo, installation=event.installation, number=event.number))
    return tuple(looks)


def bump_branch(base: BranchName, submodule: SubmodulePath) -> BranchName:
    """The one branch a bump of `submodule` on `base` lives on, stable over its whole life."""
    return BranchName(f"aios-bot/{base}/{submodule}")
