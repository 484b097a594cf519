"""What a decision starts from: frozen, read from GitHub and git at that moment by `effects/gather.py`."""

from __future__ import annotations

from enum import StrEnum

from bot.fleet import Node, Submodule
from bot.names import BranchName, CommitSha, DeploymentId, PlanId, PullNumber, RepoName
from bot.values import Value


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
    settled: frozenset[CommitSha]  # pins that a closed bump pull request had proposed: decided by a person


class NodeFacts(Value, frozen=True):
    """One node, and what GitHub knows of its deployment of the commit at hand."""

    node: Node
    deployment: DeploymentId | None  # of this commit
    state: str | None  # of its newest status; None before the first
    description: str
    log_url: str | None
    updated: str  # ISO 8601, as GitHub said it


class RolloutFacts(Value, frozen=True):
    """What a merge approved, and how far the nodes are."""

    fleet: RepoName
    base: BranchName
    submodule: Submodule
    upstream: RepoName
    commit: CommitSha  # the newest commit of the base that moved the pin
    pin: CommitSha
    default_branch: BranchName  # where the deploy workflow is dispatched
    pull: PullNumber | None  # the merged pull request that brought `commit` in; None: nobody approved it there
    plan: PlanId | None  # the plan that the pull request showed
    nodes: tuple[NodeFacts, ...]
