"""Which nodes get which order now. Pure: facts in, one tagged decision out, with its reason."""

from __future__ import annotations

from enum import StrEnum

from bot.decisions.facts import NodeFacts, RolloutFacts
from bot.decisions.orders import Stage, Wanted
from bot.names import NodeName
from bot.node.order import OrderKind
from bot.values import Value


class RolloutReason(StrEnum):
    """Why a rollout decision fell."""

    NO_NODES = "no_nodes"
    NO_PULL_REQUEST = "no_pull_request"  # the pin was pushed directly: nobody approved it in a pull request
    TO_DEPLOY = "to_deploy"
    UNDER_WAY = "under_way"
    DONE = "done"
    FAILED = "failed"


class Rollout(Value, frozen=True, tag="rollout"):
    """`start` are the nodes that have no order for this commit yet; the others are as they are."""

    reason: RolloutReason
    start: tuple[NodeName, ...] = ()


def decide_rollout(facts: RolloutFacts) -> Rollout:
    """Which nodes to start now. A node is started once per commit: what failed is not tried again by itself."""
    if not facts.nodes:
        return Rollout(reason=RolloutReason.NO_NODES)
    if facts.pull is None:
        return Rollout(reason=RolloutReason.NO_PULL_REQUEST)
    stages = {node.node.name: stage_on(facts, node) for node in facts.nodes}
    start = tuple(name for name, stage in stages.items() if stage is Stage.MADE)
    if start:
        return Rollout(reason=RolloutReason.TO_DEPLOY, start=start)
    if any(stage.is_open for stage in stages.values()):
        return Rollout(reason=RolloutReason.UNDER_WAY)
    done = all(stage is Stage.GOOD for stage in stages.values())
    return Rollout(reason=RolloutReason.DONE if done else RolloutReason.FAILED)


def stage_on(facts: RolloutFacts, node: NodeFacts) -> Stage:
    """How far `node` is with the commit at hand; MADE also when it has no order for it."""
    order = facts.order_of(node)
    return order.stage if order else Stage.MADE


def want_merged(facts: RolloutFacts, node: NodeFacts) -> Wanted:
    """The order that makes `node` run what was merged."""
    return Wanted(
        kind=OrderKind.DEPLOY,
        fleet=facts.fleet,
        node=node.node,
        base=facts.base,
        default_branch=facts.default_branch,
        submodule=facts.submodule,
        upstream=facts.upstream,
        commit=facts.commit,
        pin=facts.pin,
        marker=f"merge:{facts.commit}",
        pull=facts.pull,
        approved=facts.plan,
        replaces_queued=True,
    )
