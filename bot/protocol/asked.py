"""From bot/features/rollout/decide/orders.py: say here what this module is for."""

from __future__ import annotations

from enum import StrEnum

from bot.domain.names import (
    BranchName,
    CommitSha,
    DeploymentId,
    PlanId,
    PullNumber,
    RepoName,
    StackName,
    SubmodulePath,
)
from bot.domain.values import Value
from bot.fleetfile import Node, Submodule
from bot.protocol.order import OrderKind

MERGE = "merge:"  # what the marker of a merge's order begins with


class Stage(StrEnum):
    """How far an order is."""

    MADE = "made"  # its deployment exists, and then we died before its workflow was dispatched
    QUEUED = "queued"  # dispatched; no runner took it yet
    TAKEN = "taken"  # the node is at it
    GOOD = "good"
    BAD = "bad"
    WITHDRAWN = "withdrawn"  # ended by us before the node took it
    LOST = "lost"  # its workflow run ended, and the node never said how the order did

    @property
    def is_open(self) -> bool:
        """Whether the node may still carry it out."""
        return self in (Stage.QUEUED, Stage.TAKEN)


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

    @property
    def is_merge(self) -> bool:
        """Whether a merge asked for it, and not a person."""
        return self.marker.startswith(MERGE)

    @property
    def run_id(self) -> int | None:
        """The workflow run that carries it, read from its log's address."""
        number = self.log_url.partition("/actions/runs/")[2].partition("/")[0]
        return int(number) if number.isdecimal() else None


class Wanted(Value, frozen=True):
    """An order that somebody or something asks for. The same `marker` and kind for a node are the same order."""

    kind: OrderKind
    fleet: RepoName
    node: Node
    base: BranchName
    default_branch: BranchName  # where the deploy workflow is dispatched
    submodule: Submodule
    upstream: RepoName
    commit: CommitSha
    pin: CommitSha
    marker: str  # "merge:COMMIT", "comment:ID", ...: what asked for it
    pull: PullNumber | None = None  # where people follow it
    head_of: PullNumber | None = None  # `commit` is the head of this open pull request; None: it is on `base`
    approved: PlanId | None = None  # the plan that a person approved
    stacks: tuple[StackName, ...] = ()  # only these; empty: all of the node's
    replaces_queued: bool = False  # an order that no runner took yet is withdrawn for this one
    stop_on_drift: bool = False
