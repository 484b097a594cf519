"""What the bot goes and looks at, as values: the unit of work in the queue.

A webhook only says "look again". `route` turns an Event into Looks with nothing but the index of who pins
what; the look itself starts from facts read at that moment, so a lost, repeated or reordered event changes
nothing. Work with the same `key` never overlaps.
"""

from __future__ import annotations

from bot.features.bump.jobs import SyncBump, _bump, bump_branch
from bot.features.commands.jobs import CloseOutPull, PullLook, SyncCommandOrders, route_people
from bot.features.drift.jobs import CheckDrift
from bot.features.fleets.facts import PinIndex
from bot.features.fleets.jobs import FetchMissedDeliveries, SyncAllInstallations, SyncFleet, SyncInstallation
from bot.features.hub.jobs import SyncHub, hubs_of
from bot.features.review.jobs import SyncReview
from bot.features.rollout.jobs import SyncRollout
from bot.features.upstream.jobs import UpstreamLook, route_upstream_check, route_upstream_pull
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

Look = (
    SyncHub
    | SyncBump
    | SyncRollout
    | CheckDrift
    | SyncFleet
    | SyncInstallation
    | SyncAllInstallations
    | FetchMissedDeliveries
    | UpstreamLook
    | PullLook
)


def route(event: Event, index: PinIndex) -> tuple[Look, ...]:
    """The Looks that `event` calls for; empty when no fleet is concerned. Pure but for the index it is given."""
    match event:
        case Ping():
            return ()
        case InstallationChanged():
            return (SyncInstallation(installation=event.installation),)
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


def _route_order(event: DeploymentChanged | WorkflowRunCompleted, index: PinIndex) -> tuple[Look, ...]:
    fleet, installation = event.repo, event.installation
    own = index.pins_of(fleet)
    bases = dict.fromkeys(pin.base for pin in own)
    looks: list[Look] = [SyncRollout(fleet=fleet, installation=installation, base=base) for base in bases]
    if bases:
        looks.append(SyncCommandOrders(fleet=fleet, installation=installation))
    # A question whose node never answers has no other end than its run's; and a node with another order waits for it.
    if isinstance(event, WorkflowRunCompleted) or event.task.startswith("drift:"):
        looks += [CheckDrift(fleet=fleet, installation=installation, base=base) for base in bases]
    # A deployment tells of every step; its run ends once, and that is when the documents change.
    return (*looks, *(hubs_of(own) if isinstance(event, WorkflowRunCompleted) else ()))


def _route_push(push: Push, index: PinIndex) -> tuple[Look, ...]:
    looks: list[Look] = [_bump(pin) for pin in index.pinned_by(push.repo) if pin.tracked == push.branch]
    own = index.pins_of(push.repo)
    if any(pin.base == push.branch for pin in own) or (not own and push.may_make_fleet):
        looks.append(SyncFleet(fleet=push.repo, installation=push.installation))
    looks.extend(_bump(pin) for pin in own if push.branch == bump_branch(pin.base, pin.submodule))
    looks.extend(hubs_of(index.pins_shown_by(push.repo)))
    return tuple(looks)


def _route_pull_request(event: PullRequestChanged, index: PinIndex) -> tuple[Look, ...]:
    looks: list[Look] = [
        _bump(pin) for pin in index.pins_of(event.repo) if event.head == bump_branch(pin.base, pin.submodule)
    ]
    looks.extend(route_upstream_pull(event, index))
    if event.merged and any(pin.base == event.base for pin in index.pins_of(event.repo)):
        looks.append(SyncRollout(fleet=event.repo, installation=event.installation, base=event.base))
    if event.action == "closed":
        if index.pins_of(event.repo):
            looks.append(CloseOutPull(fleet=event.repo, installation=event.installation, number=event.number))
    elif index.pins_of(event.repo) or index.pinned_by(event.repo):
        looks.append(SyncReview(fleet=event.repo, installation=event.installation, number=event.number))
    return tuple(looks)
