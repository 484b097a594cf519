"""Which nodes get which order now. Pure: facts in, one tagged decision out, with its reason.

Waves go one after the other. A wave is done when every node of it that is there runs the commit, at least one does,
and the soak time has passed since; one that failed halts those after it until a person sees to it. A commit that a
person rolled back on one node is started on no other.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec.structs import replace

from bot.domain.names import NodeName
from bot.domain.values import Value
from bot.features.rollout.facts import NodeFacts, PastOrder, RolloutFacts, Stage
from bot.plan.order import OrderRequest
from bot.protocol.order import OrderKind

LADDER = (2, 4, 8, 16, 32)  # seconds between two looks at what GitHub may not show yet


class RolloutReason(StrEnum):
    """Why a rollout decision fell."""

    NO_NODES = "no_nodes"
    NO_PULL_REQUEST = "no_pull_request"  # the pin was pushed directly: nobody approved it in a pull request
    TO_DEPLOY = "to_deploy"
    UNDER_WAY = "under_way"
    SOAKING = "soaking"  # a wave is done, and the next one's time has not come
    NODES_AWAY = "nodes_away"  # all that is left to do waits for nodes that are offline or held
    DONE = "done"
    HALTED = "halted"  # a wave failed, or a person rolled the commit back; nothing more is started


class Standing(StrEnum):
    """Where one node is in a rollout."""

    TO_START = "to_start"  # its wave has come
    WAVE_NOT_YET = "wave_not_yet"
    UNDER_WAY = "under_way"
    OFFLINE = "offline"  # its order waits longer than a runner that is there would let it
    HELD = "held"  # somebody has the node, and its wave has come
    GOOD = "good"
    FAILED = "failed"  # or rolled back by a person


class Rollout(Value, frozen=True, tag="rollout"):
    """What to do now: `start` these nodes, `withdraw` orders that are not wanted any more, `end` lost ones."""

    reason: RolloutReason
    start: tuple[NodeName, ...] = ()
    withdraw: tuple[tuple[NodeName, PastOrder], ...] = ()
    end: tuple[tuple[NodeName, PastOrder], ...] = ()
    standings: dict[NodeName, Standing] = {}
    wave: int = 0  # the one that is under way, from 1; the last one when all are done; 0 when it was rolled back
    again_at: int | None = None  # seconds since the epoch: when time alone changes the decision
    tries: int = 0  # how often it will have been looked at again because GitHub's answer may have come too early


def decide_rollout(facts: RolloutFacts) -> Rollout:
    """What to do now. A node is started once per commit: what failed is not tried again by itself.

    What GitHub may not show yet is looked at again, each time after a longer pause, and then believed.
    """
    decision = _decide(facts)
    if not facts.may_be_early or facts.tries >= len(LADDER):
        return decision
    look = facts.now + LADDER[facts.tries]
    return replace(decision, again_at=min(look, decision.again_at or look), tries=facts.tries + 1)


def _decide(facts: RolloutFacts) -> Rollout:
    if not facts.nodes:
        return Rollout(reason=RolloutReason.NO_NODES)
    ended = tuple((n.node.name, o) for n in facts.nodes for o in n.past if o.stage is Stage.ABANDONED)
    if facts.pull is None:
        return Rollout(reason=RolloutReason.NO_PULL_REQUEST, end=ended)
    obsolete = tuple(
        (n.node.name, o)
        for n in facts.nodes
        for o in n.past
        if o.stage is Stage.QUEUED
        and o.is_merge
        and o.submodule == facts.submodule.path
        and (o.commit != facts.commit or facts.is_taken_back)
    )
    reason, wave, standings = _walk(facts)
    return Rollout(
        reason=reason,
        start=tuple(name for name, standing in standings.items() if standing is Standing.TO_START),
        withdraw=obsolete,
        end=ended,
        standings=standings,
        wave=wave,
        again_at=min((at for at in _times(facts, wave) if at > facts.now), default=None),
    )


def _walk(facts: RolloutFacts) -> tuple[RolloutReason, int, dict[NodeName, Standing]]:
    """Through the waves, up to the one that is not done: why it is not, its number, and where all nodes are."""
    nodes = {node.node.name: node for node in facts.nodes}
    standings = {name: _standing(facts, node, started=False) for name, node in nodes.items()}
    if facts.is_taken_back:
        return RolloutReason.HALTED, 0, standings
    for number, wave in enumerate(facts.waves, 1):
        found = {name: _standing(facts, nodes[name], started=True) for name in wave}
        reason = _judge_wave(facts, number, set(found.values()))
        if reason is RolloutReason.HALTED:
            # Those of the same wave that have not begun do not begin either.
            found = {n: Standing.WAVE_NOT_YET if s is Standing.TO_START else s for n, s in found.items()}
        standings |= found
        if reason is not None:
            return reason, number, standings
    away = {Standing.OFFLINE, Standing.HELD} & set(standings.values())
    return RolloutReason.NODES_AWAY if away else RolloutReason.DONE, len(facts.waves), standings


def _judge_wave(facts: RolloutFacts, number: int, found: set[Standing]) -> RolloutReason | None:
    """Why wave `number`, whose nodes are where `found` says, is not done; None when the next may begin."""
    if Standing.FAILED in found:
        return RolloutReason.HALTED
    if Standing.TO_START in found:
        return RolloutReason.TO_DEPLOY
    if Standing.UNDER_WAY in found:
        return RolloutReason.UNDER_WAY
    if Standing.GOOD not in found:
        return RolloutReason.NODES_AWAY  # nothing has shown that the commit is good
    if _soaked_at(facts, number) > facts.now:
        return RolloutReason.SOAKING
    return None


def _soaked_at(facts: RolloutFacts, number: int) -> int:
    """When the wave after `number` may begin; 0 when it has begun, and for the last."""
    nodes = {node.node.name: node for node in facts.nodes}
    later = [facts.order_of(nodes[name]) for wave in facts.waves[number:] for name in wave]
    if not later or any(order is not None for order in later):
        return 0  # also when a node of this wave came back after the next had begun
    done = [facts.order_of(nodes[name]) for name in facts.waves[number - 1]]
    return facts.soak + max((o.updated_at for o in done if o is not None and o.stage is Stage.SUCCEEDED), default=0)


def _times(facts: RolloutFacts, wave: int) -> list[int]:
    """When time alone may change the decision: a soak ends, or an order has waited too long for its runner."""
    orders = [o for n in facts.nodes for o in n.past if not o.kind.reads_only]  # a question delays nothing
    waiting = [o.queued_at + facts.offline_after for o in orders if o.stage is Stage.QUEUED]
    held = [n.held_until for n in facts.nodes if n.held]
    return [*waiting, *held, *(_soaked_at(facts, number) for number in range(1, wave + 1))]


def _standing(facts: RolloutFacts, node: NodeFacts, *, started: bool) -> Standing:
    """Where `node` is; `started`: its wave has come."""
    if facts.rollback_of(node) is not None:
        return Standing.FAILED
    stage = stage_on(facts, node)
    match stage:
        case Stage.SUCCEEDED:
            return Standing.GOOD
        case Stage.FAILED | Stage.ABANDONED | Stage.WITHDRAWN:
            return Standing.FAILED
        case Stage.RUNNING:
            return Standing.UNDER_WAY
        case Stage.QUEUED:
            order = facts.order_of(node)
            return Standing.OFFLINE if order and is_offline(facts, order) else Standing.UNDER_WAY
    if not started:
        return Standing.WAVE_NOT_YET
    if node.held:
        return Standing.HELD
    waiting = next((o for o in node.past if o.stage.is_open), None)
    replaced = waiting is not None and waiting.stage is Stage.QUEUED and (waiting.is_merge or waiting.kind.reads_only)
    if waiting is not None and not replaced:
        # Another order comes first; when that one waits for a runner that is away, so does this one.
        return Standing.OFFLINE if is_offline(facts, waiting) else Standing.UNDER_WAY
    return Standing.TO_START


def stage_on(facts: RolloutFacts, node: NodeFacts) -> Stage:
    """How far `node` is with the commit at hand; MADE also when it has no order for it."""
    order = facts.order_of(node)
    return order.stage if order else Stage.MADE


def is_offline(facts: RolloutFacts, order: PastOrder) -> bool:
    """Whether no runner took the order for too long. One that waits for somebody's approval is not offline."""
    waits = order.stage is Stage.QUEUED and order.run_status in ("", "queued", "pending")
    return waits and facts.now >= order.queued_at + facts.offline_after


def want_merged(facts: RolloutFacts, node: NodeFacts) -> OrderRequest:
    """The order that makes `node` run what was merged."""
    return OrderRequest(
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
        stop_on_drift=facts.stop_on_drift,
    )
