"""What people have to be notified of about a rollout. Pure.

A node whose newest deploy failed counts as failed until a later one succeeds there, whoever asked for it: putting
back what ran before is no success.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bot.domain.names import NodeName, short
from bot.domain.notices import Topic
from bot.features.outbox.facts import Condition, Notice
from bot.features.rollout.decide.rollout import RolloutReason, Standing
from bot.features.rollout.facts import PastOrder, RolloutFacts, Stage
from bot.features.rollout.text import DifferingPlan, NodeView

_FAILED = (Stage.FAILED, Stage.ABANDONED)


def find_conditions(
    facts: RolloutFacts,
    reason: RolloutReason,
    views: Sequence[NodeView],
    *,
    orders: Mapping[NodeName, PastOrder],
    differing: Sequence[DifferingPlan],
    unreadable: Mapping[NodeName, str],
    web_url: str,
) -> tuple[Condition, ...]:
    """The conditions of one pin: `orders` are those given in this look, `unreadable` why a node gets none."""
    pull = f"{web_url}/{facts.fleet}/pull/{facts.pull}"
    other = {one.node: one for one in differing}
    found: list[Condition] = []
    for view in views:
        newest = _newest(facts, view.node, orders.get(view.node))
        failed = view.standing is Standing.FAILED and not view.rolled_back
        if newest is not None and (newest.stage in _FAILED or failed):
            found.append(_failed(facts, view, newest))
        differs, blind = other.get(view.node), unreadable.get(view.node)
        found += _not_deployed(facts, reason, view, pull, differing=differs, unreadable=blind)
    return tuple(found)


def _newest(facts: RolloutFacts, node: NodeName, given: PastOrder | None) -> PastOrder | None:
    """The newest order of the submodule that changes the node and has ended."""
    past = next(one.past for one in facts.nodes if one.node.name == node)
    ended = (o for o in past if not (o.stage.is_open or o.stage is Stage.MADE) and not o.kind.reads_only)
    newest = next((o for o in ended if o.submodule == facts.submodule.path), None)
    if given is not None and not given.stage.is_open and (newest is None or given.number > newest.number):
        return given
    return newest


def _failed(facts: RolloutFacts, view: NodeView, order: PastOrder) -> Condition:
    text = f"{order.kind} of {facts.submodule.path} {short(order.pin)}: {order.description or 'no report came'}"
    notice = Notice(
        topic=Topic.DEPLOY_FAILED, fleet=facts.fleet, subject=view.node, text=text, url=order.log_url or view.log_url
    )
    return Condition(notice=notice, state=str(order.number))


def _not_deployed(
    facts: RolloutFacts,
    reason: RolloutReason,
    view: NodeView,
    pull: str,
    *,
    differing: DifferingPlan | None,
    unreadable: str | None,
) -> Iterator[Condition]:
    def condition(topic: Topic, text: str, state: str) -> Condition:
        notice = Notice(topic=topic, fleet=facts.fleet, subject=view.node, text=text, url=pull)
        return Condition(notice=notice, state=state)

    if differing is not None:
        text = f"plan {differing.plan.id} goes beyond {differing.approved}: {differing.beyond[0]}"
        yield condition(Topic.PLAN_DIFFERS, text, differing.plan.id)
    elif unreadable is not None:
        yield condition(Topic.NOT_DEPLOYED, unreadable, f"{facts.commit} unreadable")
    elif view.standing is Standing.OFFLINE:
        yield condition(Topic.NODE_OFFLINE, view.text, "")
    elif view.standing is Standing.HELD or (
        view.standing is Standing.WAVE_NOT_YET and reason is RolloutReason.HALTED
    ):
        yield condition(Topic.NOT_DEPLOYED, view.text, f"{facts.commit} {view.standing}")
