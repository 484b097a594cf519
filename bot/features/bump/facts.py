"""What a decision starts from: frozen, read from GitHub and git at that moment by `features/bump/read.py`."""

from __future__ import annotations

from enum import StrEnum

from bot.domain.names import BranchName, CommitSha, NodeName, PlanId, PullNumber, RepoName
from bot.domain.values import Value
from bot.features.commands.facts import Hold
from bot.features.rollout.orders import PastOrder
from bot.fleetfile import Node, Submodule
from bot.protocol.order import OrderKind


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
    held: Hold | None = None  # a person said that nothing is to be proposed for now


class NodeFacts(Value, frozen=True):
    """One node, and the orders that it was given, newest first: those of the commit at hand, and what it runs."""

    node: Node
    past: tuple[PastOrder, ...] = ()
    held: str = ""  # why it may get no order of a merge now: who has it; "" when it may
    held_until: int = 0  # seconds since the epoch; 0 when it is not held


class RolloutFacts(Value, frozen=True):
    """What a merge approved, and how far the nodes are."""

    fleet: RepoName
    base: BranchName
    submodule: Submodule
    upstream: RepoName
    commit: CommitSha  # the newest commit of the base that moved the pin
    pin: CommitSha
    default_branch: BranchName  # where the deploy workflow is dispatched
    pull: PullNumber | None  # the merged pull request that approved it (effects/admissions.py); None: nobody did
    plan: PlanId | None  # the plan that the pull request showed
    nodes: tuple[NodeFacts, ...]
    waves: tuple[tuple[NodeName, ...], ...]  # every node in exactly one
    now: int  # this moment, and times below: in seconds (since the epoch)
    soak: int = 0
    offline_after: int = 600
    stop_on_drift: bool = False

    def order_of(self, node: NodeFacts) -> PastOrder | None:
        """The newest order that `node` got for all of this commit, whoever asked for it."""
        wanted = (OrderKind.DEPLOY, self.submodule.path, self.commit)
        return next((o for o in node.past if (o.kind, o.submodule, o.commit) == wanted and not o.stacks), None)
