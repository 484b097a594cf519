"""Recover from a power cut or a kill: find the order that was interrupted, and put back what ran before."""

from __future__ import annotations

from bot.agent.checkout import Checkout, CheckoutPosition
from bot.agent.late_reports import keep_for_later
from bot.agent.node import LocalNode, report_outcome
from bot.agent.outcomes import make_outcome
from bot.agent.preflight import check_engine
from bot.agent.rollback import roll_back
from bot.agent.state import Unfinished, deployed_services, find_last_good, find_unfinished
from bot.domain.errors import BotError
from bot.protocol.order import Order
from bot.protocol.outcome import FailureReason, OrderEnd, Outcome


def recover(node: LocalNode, checkout: Checkout) -> Outcome | None:
    """Recover from an interrupted order; None when there is none. Call it while holding the node's lock.

    Raises BotError when that cannot be tried yet (no engine, a variable without a value); the order stays unfinished.
    """
    unfinished = find_unfinished(node.state.read_record())
    if unfinished is None:
        return None
    order = unfinished.begun.order
    node.log(f"order {order.number} was begun and never finished")
    if not order.kind.reads_only:
        check_engine(node.docker)
        for name in _undo_interrupted(checkout, unfinished):
            node.log(f"restored {name}, which that order had written only in part")
        node.docker.wait_for_removals([stack.project for stack in order.stacks])
    outcome = _roll_back(node, checkout, unfinished)
    now = (
        node.docker.containers(stack.project for stack in order.stacks) if outcome.end is OrderEnd.ROLLED_BACK else ()
    )
    node.state.finish(
        order,
        outcome.end,
        outcome.text,
        now=node.now(),
        commit=outcome.commit,
        pin=outcome.pin,
        deployed=deployed_services(now),
    )
    node.log(f"order {order.number}: {outcome.text}")
    if not report_outcome(node, order, outcome):
        keep_for_later(node.state, order)
    return outcome


def _undo_interrupted(checkout: Checkout, unfinished: Unfinished) -> tuple[str, ...]:
    """Undo an interrupted checkout. Before `touching` git had changed no file: edits were made by hand."""
    begun = unfinished.begun
    if unfinished.touching is None:
        return checkout.undo_interrupted(begun.order.submodule, (), ())
    commits = [commit for commit in (begun.order.commit, begun.commit) if commit]
    pins = [pin for pin in (begun.order.pin, begun.pin) if pin]
    return checkout.undo_interrupted(begun.order.submodule, commits, pins)


def _roll_back(node: LocalNode, checkout: Checkout, unfinished: Unfinished) -> Outcome:
    begun, touching = unfinished
    order, happened = begun.order, f"the node stopped in the middle of order {begun.order.number}"
    if touching is None:
        return _make_outcome(checkout, order, OrderEnd.UNTOUCHED, f"{happened}, before it had touched anything")
    before = touching.before
    if begun.commit is None and not before and not node.docker.containers(s.project for s in order.stacks):
        return _make_outcome(checkout, order, OrderEnd.UNTOUCHED, f"{happened}, before any container was created")
    last_good = find_last_good(node.state.read_record())
    back = roll_back(
        order,
        to=CheckoutPosition(begun.commit, begun.pin) if begun.commit else None,
        last_good=last_good,
        before=before,
        checkout=checkout,
        docker=node.docker if last_good else node.docker.with_variables(order.variables),
        timeouts=node.timeouts,
        is_recovery=True,
    )
    if not back.reached:
        raise BotError(f"{happened}; {back.text}")
    return _make_outcome(
        checkout, order, OrderEnd.ROLLED_BACK if back.good else OrderEnd.FAILED, f"{happened}; {back.text}"
    )


def _make_outcome(checkout: Checkout, order: Order, end: OrderEnd, text: str) -> Outcome:
    return make_outcome(order, checkout, end, text, failure=FailureReason.INTERRUPTED)
