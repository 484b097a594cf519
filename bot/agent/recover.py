"""After a power cut or a kill: find out what was being done, put back what ran before, and say so."""

from __future__ import annotations

from bot.agent.checkout import Checkout, Position
from bot.agent.node import Node, post, report
from bot.agent.preflight import check_engine
from bot.agent.rollback import roll_back
from bot.agent.run import FINAL_STATE, left_by
from bot.agent.state import Unfinished, find_last_good, find_unfinished
from bot.domain.errors import BotError
from bot.protocol.outcome import FailureReason, OrderEnd, Outcome, render_description


def recover(node: Node, checkout: Checkout) -> Outcome | None:
    """Put right what an order left half done, or None when none did. Call it while holding the node's lock.

    Raises BotError when it cannot be tried yet (no engine); then the order stays unfinished.
    """
    records = node.state.read_record()
    unfinished = find_unfinished(records)
    if unfinished is None:
        return None
    order = unfinished.begun.order
    node.tell(f"order {order.number} was begun and never finished")
    if not order.kind.reads_only:
        check_engine(node.docker)
        for name in _heal(checkout, unfinished):
            node.tell(f"half written by that order, put back: {name}")
        node.docker.settle([stack.project for stack in order.stacks])
    outcome = _put_back(node, checkout, unfinished)
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
        left=left_by(now),
    )
    node.tell(f"order {order.number}: {outcome.text}")
    report(node, order, outcome)
    post(node, order, FINAL_STATE[outcome.end], render_description(outcome))
    return outcome


def _heal(checkout: Checkout, unfinished: Unfinished) -> tuple[str, ...]:
    """Undo what git was doing then. Before `touching` it had changed no file: what is there is a person's."""
    begun = unfinished.begun
    if unfinished.touching is None:
        return checkout.heal(begun.order.submodule, (), ())
    commits = [commit for commit in (begun.order.commit, begun.commit) if commit]
    pins = [pin for pin in (begun.order.pin, begun.pin) if pin]
    return checkout.heal(begun.order.submodule, commits, pins)


def _put_back(node: Node, checkout: Checkout, unfinished: Unfinished) -> Outcome:
    begun, touching = unfinished
    order, told = begun.order, f"the node stopped in the middle of order {begun.order.number}"
    if touching is None:
        return _outcome(checkout, unfinished, OrderEnd.UNTOUCHED, f"{told}, before it had touched anything")
    before = touching.before
    if begun.commit is None and not before and not node.docker.containers(s.project for s in order.stacks):
        return _outcome(checkout, unfinished, OrderEnd.UNTOUCHED, f"{told}, before any container was made")
    last_good = find_last_good(node.state.read_record())
    back = roll_back(
        order,
        to=Position(begun.commit, begun.pin) if begun.commit else None,
        last_good=last_good,
        before=before,
        checkout=checkout,
        docker=node.docker,
        patience=node.patience,
    )
    if not back.reached:
        raise BotError(f"{told}; {back.text}")
    return _outcome(
        checkout, unfinished, OrderEnd.ROLLED_BACK if back.good else OrderEnd.FAILED, f"{told}; {back.text}"
    )


def _outcome(checkout: Checkout, unfinished: Unfinished, end: OrderEnd, text: str) -> Outcome:
    order = unfinished.begun.order
    position = checkout.position(order.submodule)
    return Outcome(
        end=end,
        text=text,
        order=order,
        failure=FailureReason.INTERRUPTED,
        commit=position.commit if position else None,
        pin=position.pin if position else None,
    )
