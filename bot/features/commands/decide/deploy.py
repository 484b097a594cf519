"""Which orders a command leads to: /deploy, /rollback and /retry. Pure.

A plan that a person approved is bound to a head, a base and a pin. When one of them is another now, nothing is
deployed: the plan is made again and needs a new approval.
"""

from __future__ import annotations

import msgspec

from bot.domain.names import CommitSha
from bot.domain.verdicts import Verdict
from bot.features.commands.decide.actions import Decision, GiveOrders, MakePlan, Refuse, Target
from bot.features.commands.decide.reasons import CommandReason
from bot.features.commands.decide.targets import Targets
from bot.features.commands.facts.command import CommandFacts, NodeAt, Position, PostedPlan, PullFacts, PullState
from bot.features.commands.grammar import Command
from bot.features.rollout.facts import Stage
from bot.protocol.order import OrderKind

_VERDICTS = {
    Verdict.CONFLICTS: CommandReason.CONFLICTS,
    Verdict.REVIEW_MISSING: CommandReason.REVIEW_MISSING,
    Verdict.CHANGES_REQUESTED: CommandReason.CHANGES_REQUESTED,
    Verdict.CHECKS_FAILED: CommandReason.CHECKS_FAILED,
    Verdict.CHECKS_PENDING: CommandReason.CHECKS_PENDING,
    Verdict.UNKNOWN: CommandReason.VERDICT_UNKNOWN,
}


def decide_deploy(facts: CommandFacts, said: Command, pull: PullFacts, targets: Targets) -> Decision:
    """Before the merge the posted plan of the head, after it what was merged."""
    match pull.state:
        case PullState.CLOSED:
            return Refuse(reason=CommandReason.PULL_ENDED)
        case PullState.MERGED:
            return _deploy_merged(facts, said, pull, targets)
        case PullState.OPEN:
            return _deploy_head(facts, said, pull, targets)


def _deploy_head(facts: CommandFacts, said: Command, pull: PullFacts, targets: Targets) -> Decision:
    if pull.from_fork:
        return Refuse(reason=CommandReason.FROM_FORK)
    if pull.control_files:
        return Refuse(reason=CommandReason.TOUCHES_CONTROL, about=pull.control_files)
    wrong = refuse_pins(pull)
    if wrong is not None:
        return wrong
    if facts.plan is None or pull.pin is None:
        return MakePlan(reason=CommandReason.NO_PLAN)
    stale = _find_stale(facts, facts.plan, said, pull)
    if stale is not None:
        return stale
    if facts.verdict is not Verdict.GOOD and not said.override_reason:
        return Refuse(reason=_VERDICTS[facts.verdict])
    order = GiveOrders(
        reason=CommandReason.ORDERED,
        kind=OrderKind.DEPLOY,
        targets=_all_to(targets.nodes, Position(commit=pull.head, pin=pull.pin)),
        stacks=targets.stacks,
        plan=facts.plan.id,
        of_head=True,
        locks=True,
        override_reason=said.override_reason,
    )
    return _shorten(facts, order, targets.nodes)


def refuse_pins(pull: PullFacts) -> Refuse | None:
    """Why a pull request cannot be planned or deployed for what it moves."""
    if not pull.pins:
        return Refuse(reason=CommandReason.NO_PIN_MOVED)
    return Refuse(reason=CommandReason.SEVERAL_PINS, about=pull.pins) if len(pull.pins) > 1 else None


def _find_stale(facts: CommandFacts, plan: PostedPlan, said: Command, pull: PullFacts) -> Decision | None:
    """What no longer is as it was when the plan was made, or when the person read it."""
    if plan.for_order:
        return None  # of this very commit, and named by its id: whoever wrote the command has read it
    if plan.head != pull.head:
        return MakePlan(reason=CommandReason.HEAD_MOVED)
    if plan.base != pull.base_head:
        return MakePlan(reason=CommandReason.BASE_MOVED)
    if (plan.old, plan.new) != (pull.base_pin, pull.pin):
        return MakePlan(reason=CommandReason.PIN_MOVED)
    if said.plan is not None:
        return Refuse(reason=CommandReason.PLAN_UNKNOWN, about=(said.plan,)) if said.plan != plan.id else None
    if plan.posted_after or facts.bound not in (None, plan.id):
        return Refuse(reason=CommandReason.PLAN_CHANGED, about=(plan.id,))
    return None


def _deploy_merged(facts: CommandFacts, said: Command, pull: PullFacts, targets: Targets) -> Decision:
    wrong = refuse_pins(pull)
    if wrong is not None:
        return wrong
    base = facts.base
    if base is None or (base.commit != pull.merge and not (targets.stacks and facts.base_plan)):
        return Refuse(reason=CommandReason.SUPERSEDED)
    # What is left of an earlier merge is deployed as the branch has it now, by the word of who merged that.
    named = facts.plan if facts.plan and (base.commit == pull.merge or facts.plan.for_order) else None
    plan = named.id if named else facts.base_plan
    if said.plan is not None and said.plan != plan:
        return Refuse(reason=CommandReason.PLAN_UNKNOWN, about=(said.plan,))
    order = GiveOrders(
        reason=CommandReason.ORDERED,
        kind=OrderKind.DEPLOY,
        targets=_all_to(targets.nodes, base),
        stacks=targets.stacks,
        plan=plan,
        override_reason=said.override_reason,
    )
    decision = _shorten(facts, order, targets.nodes)
    if decision.reason is CommandReason.ALREADY_THERE and targets.named and not targets.stacks:
        # Who names a node that was given all of it knows that it is not as it was left.
        return msgspec.structs.replace(order, reason=CommandReason.REPAIRED, kind=OrderKind.RESTORE)
    return decision


def decide_rollback(facts: CommandFacts, said: Command, pull: PullFacts, targets: Targets) -> Decision:
    """Before the merge back to what the branch pins, after it back to what was good."""
    if pull.state is PullState.MERGED:
        return _roll_back(facts, said, pull, targets)
    if said.to is not None:
        return Refuse(reason=CommandReason.TO_BEFORE_MERGE)
    ahead = tuple(node for node in targets.nodes if node.ahead == pull.number)
    if not ahead:
        return Refuse(reason=CommandReason.NOTHING_TO_ROLL_BACK)
    return _restore(facts, ahead, override_reason=said.override_reason)


def _restore(facts: CommandFacts, nodes: tuple[NodeAt, ...], *, override_reason: str) -> Decision:
    if facts.base is None:
        return Refuse(reason=CommandReason.NO_GOOD_COMMIT)
    order = GiveOrders(
        reason=CommandReason.RESTORED,
        kind=OrderKind.RESTORE,
        targets=_all_to(nodes, facts.base),
        override_reason=override_reason,
    )
    return _shorten(facts, order, nodes)


def _roll_back(facts: CommandFacts, said: Command, pull: PullFacts, targets: Targets) -> Decision:
    wrong = refuse_pins(pull)
    if wrong is not None:
        return wrong
    if said.to is None and (facts.base is None or facts.base.commit != pull.merge):
        return Refuse(reason=CommandReason.SUPERSEDED)
    nodes = targets.nodes if targets.named else tuple(n for n in targets.nodes if _is_at(n, pull.merge))
    if not nodes:
        back = next((n.runs.pin for n in targets.nodes if n.runs and n.runs.pin != pull.base_pin), None)
        if back is None:
            return Refuse(reason=CommandReason.NOTHING_TO_ROLL_BACK)
        # Every node put itself back already; the record has to follow.
        return GiveOrders(
            reason=CommandReason.PIN_BACK_ONLY,
            kind=OrderKind.ROLLBACK,
            targets=(),
            pin_back=back,
            override_reason=said.override_reason,
        )
    found: list[Target] = []
    for node in nodes:
        to = _find_good(node, said.to)
        if isinstance(to, Refuse):
            return to
        found.append(Target(node=node.node.name, to=to))
    back = found[0].to.pin
    order = GiveOrders(
        reason=CommandReason.ROLLED_BACK,
        kind=OrderKind.ROLLBACK,
        targets=tuple(found),
        override_reason=said.override_reason,
        pin_back=back if back != pull.base_pin else None,
    )
    return _shorten(facts, order, nodes)


def _is_at(node: NodeAt, commit: CommitSha | None) -> bool:
    there = [position.commit for position in (node.runs, *node.apart.values()) if position]
    return commit is not None and commit in (*there, node.under_way.commit if node.under_way else None)


def _find_good(node: NodeAt, to: str | None) -> Position | Refuse:
    """The position that the node is to return to: by the first digits of its commit or its pin, or the newest."""
    if to is None:
        return node.good[0] if node.good else Refuse(reason=CommandReason.NO_GOOD_COMMIT, about=(node.node.name,))
    known = (*node.good, *((node.runs,) if node.runs else ()))
    fitting = tuple(one for one in known if one.commit.startswith(to) or one.pin.startswith(to))
    if not fitting:
        return Refuse(reason=CommandReason.NOT_A_GOOD_COMMIT, about=(node.node.name, to))
    if len({one.pin for one in fitting}) > 1:
        return Refuse(reason=CommandReason.AMBIGUOUS_COMMIT, about=(to,))
    found: Position = fitting[0]
    return found


def decide_retry(facts: CommandFacts, said: Command, pull: PullFacts, targets: Targets) -> Decision:
    """The failed orders of this pull request once more, under the same gates as the first time."""
    failed = tuple(node for node in targets.nodes if _failed_here(node, pull))
    if not failed:
        return Refuse(reason=CommandReason.NOTHING_FAILED)
    orders = {node.node.name: next(o for o in node.past if not o.kind.reads_only) for node in failed}
    kind = orders[failed[0].node.name].kind
    nodes = tuple(node for node in failed if orders[node.node.name].kind is kind)
    match kind:
        case OrderKind.RESTORE:
            decision = _restore(facts, nodes, override_reason="")
        case OrderKind.ROLLBACK:
            back = tuple(
                Target(node=name, to=Position(commit=orders[name].commit, pin=orders[name].pin))
                for name in (node.node.name for node in nodes)
            )
            order = GiveOrders(reason=CommandReason.ROLLED_BACK, kind=kind, targets=back)
            decision = _shorten(facts, order, nodes)
        case _:
            decision = decide_deploy(facts, said, pull, Targets(nodes=nodes))
    if isinstance(decision, GiveOrders):
        return msgspec.structs.replace(decision, reason=CommandReason.RETRIED)
    return decision


def _failed_here(node: NodeAt, pull: PullFacts) -> bool:
    """Whether the node's newest order was this pull request's, and ended badly."""
    newest = next((order for order in node.past if not order.kind.reads_only), None)
    return newest is not None and newest.pull == pull.number and newest.stage in (Stage.FAILED, Stage.ABANDONED)


def _all_to(nodes: tuple[NodeAt, ...], to: Position) -> tuple[Target, ...]:
    return tuple(Target(node=node.node.name, to=to) for node in nodes)


def _shorten(facts: CommandFacts, order: GiveOrders, nodes: tuple[NodeAt, ...]) -> Decision:
    """The last gates, node by node: may this person, whose is it, and does it need the order at all?"""
    shut = refuse_barred(facts, nodes) or (None if order.override_reason else refuse_locked(facts, nodes))
    if shut is not None:
        return shut
    by_name = {node.node.name: node for node in nodes}
    coming = tuple(t.node for t in order.targets if _comes_to(by_name[t.node], order, t))
    there = tuple(t.node for t in order.targets if _stands_at(by_name[t.node], order, t))
    left = tuple(t for t in order.targets if t.node not in (*coming, *there))
    if not left:
        reason = CommandReason.UNDER_WAY if coming else CommandReason.ALREADY_THERE
        return Refuse(reason=reason, about=coming or there)
    return msgspec.structs.replace(order, targets=left)


def _comes_to(node: NodeAt, order: GiveOrders, target: Target) -> bool:
    open_one = node.under_way
    if open_one is None or (open_one.kind, open_one.commit) != (order.kind, target.to.commit):
        return False
    return not open_one.stacks or (bool(order.stacks) and set(order.stacks) <= set(open_one.stacks))


def _stands_at(node: NodeAt, order: GiveOrders, target: Target) -> bool:
    every = (node.runs, *node.apart.values())
    found = [node.apart.get(stack, node.runs) for stack in order.stacks] if order.stacks else every
    is_free = node.under_way is None or node.under_way.kind.reads_only
    return node.is_settled and is_free and all(position == target.to for position in found)


def refuse_barred(facts: CommandFacts, nodes: tuple[NodeAt, ...]) -> Refuse | None:
    """Why this person may not change one of `nodes`."""
    barred = tuple(n.node.name for n in nodes if n.node.who and not facts.actor.is_any_of(n.node.who))
    return Refuse(reason=CommandReason.NOT_ALLOWED_ON_NODE, about=barred) if barred else None


def refuse_locked(facts: CommandFacts, nodes: tuple[NodeAt, ...]) -> Refuse | None:
    """Why one of `nodes` is another pull request's."""
    own = facts.pull.number if facts.pull else None
    locked = tuple(n.node.name for n in nodes if n.lock is not None and n.lock.pull != own)
    return Refuse(reason=CommandReason.LOCKED, about=locked) if locked else None
