"""What a bump decision is based on: read from GitHub and git at that moment by `read.py`."""

from __future__ import annotations

from enum import StrEnum

from bot.domain.names import BranchName, CommitSha, PullNumber, RepoName
from bot.domain.values import Value
from bot.features.holds.facts import Hold
from bot.fleetfile import Submodule


class Relation(StrEnum):
    """Where upstream's tip stands, seen from the pin."""

    SAME = "same"
    AHEAD = "ahead"  # a descendant of the pin: what a bump may propose
    BEHIND = "behind"  # an ancestor of the pin
    DIVERGED = "diverged"  # upstream was rewritten, or the pin comes from another branch
    PIN_UNKNOWN = "pin_unknown"  # upstream does not have the pinned commit
    TIP_UNKNOWN = "tip_unknown"  # upstream does not have the tracked branch


class Checks(StrEnum):
    """What upstream's own checks say of its tip."""

    NOT_ASKED = "not_asked"
    PENDING = "pending"
    GREEN = "green"
    RED = "red"


class BumpBranch(Value, frozen=True):
    """The bump's branch as it is now."""

    head: CommitSha
    pin: CommitSha | None
    pin_at_fork: CommitSha | None  # the base's pin where the branch left it
    people: tuple[str, ...]  # who else committed to it; empty when it is all ours
    has_base_files: bool = True  # nothing but the pin differs from the base as it is now


class OpenPull(Value, frozen=True):
    """The bump's open pull request."""

    number: PullNumber
    title: str
    body: str
    labels: tuple[str, ...]


class BumpFacts(Value, frozen=True):
    """One submodule of one base branch of a fleet, and its upstream."""

    fleet: RepoName
    base: BranchName
    base_head: CommitSha
    submodule: Submodule
    upstream: RepoName
    tracked: BranchName
    pin: CommitSha
    tip: CommitSha | None
    relation: Relation
    checks: Checks
    branch: BumpBranch | None
    pull: OpenPull | None
    dismissed_pins: frozenset[CommitSha]  # upstream commits that were closed, merged or rolled back, and not resumed
    retargeted: OpenPull | None = None  # from our branch, and somebody let it go to another base
    held: Hold | None = None  # nothing is to be proposed for now
    labels_due: bool = True  # its pull request was never labelled; what people take off stays off
    several_bases: bool = False  # the fleet keeps the pins of other branches too
