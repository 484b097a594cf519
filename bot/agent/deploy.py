"""The door of a node: an order's envelope in, verified, carried out, and told everybody how it ended.

Nothing but a verified order is obeyed, its number is used up before anything is touched, and what happened is
told in the record, in the deployment's statuses and in the Outcome.
"""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from bot.agent.checkout import Checkout
from bot.agent.node import Node, StatusSink, is_withdrawn, post, report
from bot.agent.observe import Look
from bot.agent.recover import recover
from bot.agent.run import Run
from bot.agent.state import Identity, find_unfinished, used_numbers
from bot.agent.verify import verify_order
from bot.domain.errors import BotError
from bot.protocol.order import Order, Refusal, RefusalReason
from bot.protocol.outcome import OrderEnd, Outcome, render_description

__all__ = ["Node", "StatusSink", "carry_out", "deploy", "recover_now"]


def deploy(envelope: str, node: Node) -> Outcome:
    """Carry out the order in `envelope` on this node, and tell everybody how it ended.

    Raises BotError only when the node itself is not set up; whatever the order leads to is in the Outcome.
    """
    identity = node.state.read_identity()
    with node.state.lock():
        used = used_numbers(node.state.read_record())
        order = verify_order(
            envelope,
            public_keys=node.state.read_keys(),
            fleet=identity.fleet,
            node=identity.node,
            now=node.now(),
            last_number=max(used | {0}),
            used=used,
        )
        if isinstance(order, Order):
            order = _refuse(node, order, identity) or order
        if isinstance(order, Refusal):
            return _refused(node, order)
        return carry_out(order, node, identity)


def carry_out(order: Order, node: Node, identity: Identity) -> Outcome:
    """Carry out an order that is good, after putting right what an earlier one left half done. Hold the lock."""
    root = _root(node, order.root or identity.root)
    if root is None:
        told = "neither the order nor this node names a checkout: set `root` in the fleet file"
        return _refused(node, Refusal(reason=RefusalReason.OTHER_REPOSITORY, text=told, order=order))
    checkout = Checkout(root, node.access)
    unfinished = find_unfinished(node.state.read_record())
    number = unfinished.begun.order.number if unfinished else None
    if order.kind.reads_only:
        return replace(Look(node, order, checkout).carry_out(), interrupted=number)
    obstacle: BotError | None = None
    try:
        recover(node, checkout)
    except BotError as problem:
        obstacle = problem  # on top of a half-done order nothing else is begun
    return replace(Run(node, order, checkout).carry_out(obstacle=obstacle), interrupted=number)


def recover_now(node: Node) -> Outcome | None:
    """At a start of the node: put right what an order left half done; None when there is nothing of that kind."""
    identity = node.state.read_identity()
    with node.state.lock():
        unfinished = find_unfinished(node.state.read_record())
        if unfinished is None:
            return None
        root = _root(node, unfinished.begun.order.root or identity.root)
        return recover(node, Checkout(root, node.access)) if root else None


def _root(node: Node, named: str) -> Path | None:
    return node.root or (Path(named).expanduser() if named else None)


def _refuse(node: Node, order: Order, identity: Identity) -> Refusal | None:
    """A good order that this node does not carry out all the same."""
    if identity.report_only and not order.kind.reads_only:
        told = "this node only reports: it was set up with --report-only"
        return Refusal(reason=RefusalReason.UNSUPPORTED, text=told, order=order)
    if is_withdrawn(node, order):
        told = "the bot withdrew this order before the node came to it; a newer one follows"
        return Refusal(reason=RefusalReason.WITHDRAWN, text=told)
    return None


def _refused(node: Node, refusal: Refusal) -> Outcome:
    outcome = Outcome(end=OrderEnd.REFUSED, text=refusal.text, order=refusal.order, refusal=refusal.reason)
    if refusal.order is not None:
        report(node, refusal.order, outcome)
        post(node, refusal.order, "failure", render_description(outcome))
    return outcome
