"""From bot/features/bump/facts.py: say here what this module is for."""

from __future__ import annotations

from bot.domain.names import BranchName, CommitSha, NodeName, PlanId, PullNumber, RepoName
from bot.domain.values import Value
from bot.fleetfile import Node, Submodule
from bot.protocol.asked import PastOrder
from bot.protocol.order import OrderKind


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
