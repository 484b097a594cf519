"""The last word on earlier merges that the newest one overtook, in the comment of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from bot.domain.names import CommitSha, NodeName, short
from bot.features.rollout.decide.rollout import Rollout, RolloutReason, Standing
from bot.features.rollout.facts import NodeFacts, PastOrder, RolloutFacts, Stage
from bot.features.rollout.read.history import read_orders
from bot.features.rollout.store import RolloutStatus
from bot.features.rollout.text import NodeView, RolloutView, render_rollout
from bot.github.client import Client
from bot.github.comments import put_comment
from bot.text import markers

if TYPE_CHECKING:
    from bot.features.rollout.run import RolloutTools


def report_superseded(tools: RolloutTools, client: Client, facts: RolloutFacts, decision: Rollout) -> None:
    """Close the books of earlier merges: the nodes that they did not reach get this one.

    Done when a merge is looked at first, until the whole look succeeded (only then its standings are saved), and
    whenever a node begins with it.
    """
    told = next((s for s in tools.statuses.find(tools.statuses.page_of(facts.fleet)) if _is_of(s, facts)), None)
    is_new = told is None or told.commit != facts.commit
    if facts.pull is None or not (is_new or decision.start or decision.withdraw):
        return
    if is_new and any(facts.order_of(node) is not None for node in facts.nodes):
        # A look before this one got as far as its orders. Where they ended well, what came before was not read.
        facts = _with_older(tools, client, facts)
    nodes = [(node, as_withdrawn(node.past, decision.withdraw)) for node in facts.nodes]
    own = (o for _, past in nodes for o in past if o.is_merge and o.submodule == facts.submodule.path)
    earlier = {o.commit: o for o in own if o.commit != facts.commit and o.pull not in (None, facts.pull)}
    for commit, one in earlier.items():
        found = [(n, next((o for o in past if o.is_merge and o.commit == commit), None)) for n, past in nodes]
        is_good = all(order is not None and order.stage is Stage.SUCCEEDED for _, order in found)
        if one.pull is None or (is_good and not _ended_untold(told, commit, facts)):
            continue
        view = RolloutView(
            pull=one.pull,
            commit=commit,
            submodule=facts.submodule.path,
            pin=one.pin,
            plan=None,
            reason=RolloutReason.UNDER_WAY,
            wave=0,
            waves=1,
            nodes=tuple(_overtaken(facts, node, order) for node, order in found),
            superseded_by=facts.pull,
        )
        login = tools.fleets.app.login()
        put_comment(client, facts.fleet, one.pull, marker=markers.ROLLOUT, body=render_rollout(view), login=login)


def as_withdrawn(
    past: tuple[PastOrder, ...], withdrawn: tuple[tuple[NodeName, PastOrder], ...]
) -> tuple[PastOrder, ...]:
    """`past` as it is once those in `withdrawn` have been withdrawn."""
    numbers = {order.number for _, order in withdrawn}
    return tuple(msgspec.structs.replace(o, stage=Stage.WITHDRAWN) if o.number in numbers else o for o in past)


def _is_of(standings: RolloutStatus, facts: RolloutFacts) -> bool:
    return (standings.base, standings.submodule) == (facts.base, facts.submodule.path)


def _with_older(tools: RolloutTools, client: Client, facts: RolloutFacts) -> RolloutFacts:
    """With the orders back to the good one before the newest good one."""
    path, commit = facts.submodule.path, facts.commit
    nodes = (
        msgspec.structs.replace(
            n, past=read_orders(tools, client, facts.fleet, n.node, submodule=path, commit=commit, goods=2)
        )
        for n in facts.nodes
    )
    return msgspec.structs.replace(facts, nodes=tuple(nodes))


def _ended_untold(told: RolloutStatus | None, commit: CommitSha, facts: RolloutFacts) -> bool:
    """Whether nobody has read yet that all nodes ran `commit`: the next merge came before that could be told."""
    if told is None or told.commit == commit:
        return told is None or any(node.standing is not Standing.GOOD for node in told.nodes)
    return told.commit != facts.commit  # of this one it was told before, and with it of those that it overtook


def _overtaken(facts: RolloutFacts, node: NodeFacts, order: PastOrder | None) -> NodeView:
    standing = Standing.WAVE_NOT_YET
    if order is not None:
        known = {Stage.SUCCEEDED: Standing.GOOD, Stage.FAILED: Standing.FAILED, Stage.RUNNING: Standing.UNDER_WAY}
        standing = known.get(order.stage, Standing.WAVE_NOT_YET)
    told = order.description if order is not None and standing is not Standing.WAVE_NOT_YET else ""
    return NodeView(
        node=node.node.name,
        wave=1,
        standing=standing,
        text=told or f"gets {short(facts.commit)} instead",
        log_url=order.log_url if order else "",
    )
