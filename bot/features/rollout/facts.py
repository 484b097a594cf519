"""The inputs of the decisions about orders and rollouts. Pure."""

from __future__ import annotations

from enum import StrEnum

from bot.domain.names import (
    BranchName,
    CommitSha,
    DeploymentId,
    NodeName,
    PlanId,
    PullNumber,
    RepoName,
    StackName,
    SubmodulePath,
)
from bot.domain.values import Value
from bot.fleetfile import Node, Submodule
from bot.protocol.order import OrderKind

_MERGE = "merge:"  # what the marker of a merge's order begins with


class Stage(StrEnum):
    """How far an order is."""

    MADE = "made"  # its deployment exists, and then we died before its workflow was dispatched
    QUEUED = "queued"  # dispatched; no runner took it yet
    RUNNING = "taken"  # the node is at it
    SUCCEEDED = "good"
    FAILED = "bad"
    WITHDRAWN = "withdrawn"  # ended by us before the node took it
    ABANDONED = "lost"  # its workflow run ended, and the node never said how the order did

    @property
    def is_open(self) -> bool:
        """Whether the node may still carry it out."""
        return self in (Stage.QUEUED, Stage.RUNNING)


class PastOrder(Value, frozen=True):
    """An order that the node was given, as GitHub's deployment and its statuses tell it."""

    number: DeploymentId
    kind: OrderKind
    submodule: SubmodulePath
    commit: CommitSha
    pin: CommitSha
    marker: str
    stage: Stage
    state: str = ""  # GitHub's word for the newest status; "" before the first
    pull: PullNumber | None = None  # where people follow it
    stacks: tuple[StackName, ...] = ()  # it was for these alone; empty: for all of the node's
    description: str = ""
    log_url: str = ""
    run_status: str = ""  # of the workflow run, in GitHub's words, while the order is open; "" when not known
    queued_at: int = 0  # seconds since the epoch, of its newest dispatch; 0 before
    updated_at: int = 0  # of its newest status
    made_at: int = 0  # of its deployment; 0 when not known

    @property
    def is_merge(self) -> bool:
        """Whether a merge led to it, and not a command."""
        return self.marker.startswith(_MERGE)

    @property
    def run_id(self) -> int | None:
        """The workflow run that carries it, read from its log's address."""
        number = self.log_url.partition("/actions/runs/")[2].partition("/")[0]
        return int(number) if number.isdecimal() else None


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
    rolled_back: bool = False  # by a command in the pull request that was merged, with no /resume since
    may_be_early: bool = False  # GitHub may not show yet who merged the commit, or what it pins
    tries: int = 0  # how often that was looked at again

    def order_of(self, node: NodeFacts) -> PastOrder | None:
        """The newest order that `node` got for all of this commit, whoever asked for it."""
        wanted = (OrderKind.DEPLOY, self.submodule.path, self.commit)
        return next((o for o in node.past if (o.kind, o.submodule, o.commit) == wanted and not o.stacks), None)

    def rollback_of(self, node: NodeFacts) -> PastOrder | None:
        """The order by which a person took this commit back from `node`, unless they deployed it again afterwards."""
        own = self.order_of(node)
        kind = (OrderKind.ROLLBACK, self.submodule.path)
        back = (o for o in node.past if (o.kind, o.submodule) == kind and o.pin != self.pin)
        newest = next((o for o in back if o.stage not in (Stage.MADE, Stage.WITHDRAWN)), None)
        if newest is None or (newest.pull != self.pull if own is None else newest.number < own.number):
            return None
        return newest

    @property
    def is_taken_back(self) -> bool:
        """Whether a person rolled this commit back, on some node at least."""
        return self.rolled_back or any(self.rollback_of(node) is not None for node in self.nodes)
