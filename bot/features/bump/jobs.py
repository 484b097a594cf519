"""The job that keeps a bump pull request, and what triggers it."""

from __future__ import annotations

import re
from typing import ClassVar

from bot.domain.events import CheckRerequested, ChecksCompleted, Event, MergeGroupRequested, PullRequestChanged, Push
from bot.domain.names import BranchName, CommitSha, PullNumber, SubmodulePath
from bot.features.fleets.facts import PinIndex, Pinned
from bot.features.fleets.jobs import (
    OWN_BRANCHES,
    BumpResumed,
    FleetJob,
    FleetRead,
    FoundEvent,
    Job,
    PullsListed,
    PushedJob,
    RepeatedJob,
)

_UNFIT = re.compile(r"[\x00-\x20\x7f~^:?*\[\\%]|^\.|\.(?=\.)|\.$|\.(?=lock$)|(?<=@)\{|^@$")
"""In one component of a path: what git allows in no branch's name (git-check-ref-format), and the percent sign."""


class SyncBump(PushedJob, frozen=True, kw_only=True, tag="bump"):
    """Compare one submodule of one base branch with its upstream. Leads to the bump pull request."""

    base: BranchName
    submodule: SubmodulePath


class PlanGroup(FleetJob, frozen=True, tag="plan_group"):
    """Plan the commit `head` that a merge queue made of a pull request. Leads to `aios/plan` on it."""

    base: BranchName
    branch: BranchName  # the group's own
    head: CommitSha
    parent: CommitSha  # what the queue merged it into
    number: PullNumber


class PlanPull(RepeatedJob, frozen=True, kw_only=True, tag="plan_pull"):
    """Plan what the head `head` of somebody's own pull request into `base` moves. Leads to `aios/plan` on it.

    It looks again while the event of that head came before git or the API has it.
    """

    again_after: ClassVar[tuple[int, ...]] = PushedJob.again_after
    base: BranchName
    head: CommitSha
    number: PullNumber


class CloseLeftBump(FleetJob, frozen=True, tag="close_left"):
    """Close the pull request of `branch`, at `commit`, if `base` pins nothing any more that it could move."""

    base: BranchName
    branch: BranchName
    commit: CommitSha
    number: PullNumber


_PLANNED_ON = {"opened", "reopened", "synchronize", "edited"}


def triggers(event: Event | FoundEvent, index: PinIndex) -> list[Job]:
    """The jobs of this feature that `event` calls for."""
    match event:
        case Push():
            behind = [pin for pin in index.pinned_by(event.repo) if pin.tracked == event.branch]
            own = [pin for pin in index.pins_of(event.repo) if event.branch == bump_branch(pin.base, pin.submodule)]
            return [*(_sync(pin, pushed=event.after) for pin in behind), *map(_sync, own)]
        case PullRequestChanged():
            pins = index.pins_of(event.repo)
            ours = [pin for pin in pins if event.head == bump_branch(pin.base, pin.submodule)]
            planned = pins and (event.from_fork or not ours)
            return [*(_sync(pin) for pin in ours), *(_plan(event) if planned else ())]
        case MergeGroupRequested() if any(pin.base == event.base for pin in index.pins_of(event.repo)):
            return [
                PlanGroup(
                    fleet=event.repo,
                    installation=event.installation,
                    base=event.base,
                    branch=event.branch,
                    head=event.head,
                    parent=event.parent,
                    number=event.number,
                )
            ]
        case ChecksCompleted():
            return [_sync(pin) for pin in index.pinned_by(event.repo) if pin.waits_for_checks]
        case CheckRerequested():
            return [_sync(pin) for pin in index.pins_of(event.repo)]
        case PullsListed():
            return [*_plan_listed(event, index), *_close_left(event, index)]
        case FleetRead():
            return [_sync(pin) for pin in event.pins]
        case BumpResumed():
            return [
                SyncBump(
                    fleet=event.fleet, installation=event.installation, base=event.base, submodule=event.submodule
                )
            ]
    return []


def _sync(pin: Pinned, *, pushed: CommitSha | None = None) -> SyncBump:
    return SyncBump(
        fleet=pin.fleet, installation=pin.installation, base=pin.base, submodule=pin.submodule, pushed=pushed
    )


def _plan(event: PullRequestChanged) -> list[Job]:
    if event.head_commit is None or event.action not in _PLANNED_ON:
        return []
    return [
        PlanPull(
            fleet=event.repo,
            installation=event.installation,
            base=event.base,
            head=event.head_commit,
            number=event.number,
        )
    ]


def _plan_listed(event: PullsListed, index: PinIndex) -> list[Job]:
    """A job for every open pull request of a fleet that is not a bump: its event may have been lost."""
    own = {bump_branch(pin.base, pin.submodule) for pin in index.pins_of(event.repo)}
    return [
        PlanPull(fleet=event.repo, installation=event.installation, base=one.base, head=one.commit, number=one.number)
        for one in event.pulls
        if own and (one.from_fork or one.head not in own)
    ]


def _close_left(event: PullsListed, index: PinIndex) -> list[Job]:
    """A job for every open pull request of a branch that is called like a bump's, and that no pin has."""
    own = {bump_branch(pin.base, pin.submodule) for pin in index.pins_of(event.repo)}
    return [
        CloseLeftBump(
            fleet=event.repo,
            installation=event.installation,
            base=one.base,
            branch=one.head,
            commit=one.commit,
            number=one.number,
        )
        for one in event.pulls
        if not one.from_fork and one.head.startswith(OWN_BRANCHES) and one.head not in own
    ]


def bump_branch(base: BranchName, submodule: SubmodulePath) -> BranchName:
    """The one branch a bump of `submodule` on `base` lives on, stable over its whole life.

    Two submodules never share one: what no branch may be called (git check-ref-format) is percent-encoded, and so is
    the percent sign.
    """
    return BranchName(f"{OWN_BRANCHES}{base}/{encode_path(submodule)}")


def encode_path(submodule: SubmodulePath) -> str:
    """The submodule's path as the end of a branch's name."""
    return "/".join(_UNFIT.sub(_encode, part) for part in submodule.split("/"))


def _encode(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "surrogateescape"))
