"""Verify an order, carry it out on this node, and report how it ended.

Only a verified order is carried out, and its number is used up before anything is touched. The result goes to the
node's record, to the deployment's statuses and into the Outcome.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from pathlib import Path

from msgspec.structs import replace

from bot.agent.checkout import Checkout
from bot.agent.health import Clock
from bot.agent.late_reports import send_late_reports
from bot.agent.node import LocalNode, StatusSink, find_withdrawal, report_outcome
from bot.agent.other_program import check_agent, is_this_agent
from bot.agent.state import Identity, find_unfinished, used_numbers
from bot.agent.verify import verify_order
from bot.domain.errors import BotError
from bot.protocol.order import Order, Refusal, RefusalReason
from bot.protocol.outcome import OrderEnd, Outcome

__all__ = ["LocalNode", "StatusSink", "carry_out", "deploy", "recover_node"]


def deploy(envelope: str, node: LocalNode) -> Outcome:
    """Carry out the order in `envelope` on this node, and report how it ended.

    Raises OtherProgram when another agent is to carry it out, and BotError when the node itself is not set up;
    everything else is in the Outcome.
    """
    identity = node.state.read_identity()
    with node.state.lock():
        records = node.state.read_record()
        used = used_numbers(records)
        order = verify_order(
            envelope,
            public_keys=node.state.read_keys(),
            fleet=identity.fleet,
            node=identity.node,
            now=node.now(),
            last_number=max(used | {0}),
            used=used,
        )
        if isinstance(order, Refusal):
            return _refused(node, order)
        refusal = _refuse(node, order, identity)
        if refusal is not None:
            return _refused(node, refusal)
        checkout = _checkout(node, order, identity)
        ending = closing(checkout) if checkout else nullcontext()
        with ending, ThreadPoolExecutor(1) as beside:  # left before the lock is
            if checkout and is_this_agent(order) and not order.kind.reads_only and not find_unfinished(records):
                checkout.fetch.begin(order, beside)  # while the rest of the program is loaded
            return check_agent(node, order) or carry_out(order, node, checkout)


def carry_out(order: Order, node: LocalNode, checkout: Checkout | None) -> Outcome:
    """Carry out a verified order, after recovering from an interrupted one. Call it while holding the lock."""
    if not order.is_by_hand:
        send_late_reports(node)
    if checkout is None:
        text = "neither the order nor this node names a checkout: set `root` in the fleet file"
        return _refused(node, Refusal(reason=RefusalReason.OTHER_REPOSITORY, text=text, order=order))
    unfinished = find_unfinished(node.state.read_record())
    number = unfinished.begun.order.number if unfinished else None
    if order.kind.reads_only:
        from bot.agent.read_only import ReadOnlyRun  # noqa: PLC0415 - one or the other is loaded, while git fetches

        return replace(ReadOnlyRun(node, order, checkout).carry_out(), interrupted=number)
    from bot.agent.run import DeployRun  # noqa: PLC0415 - see above

    obstacle: BotError | None = None
    if unfinished:
        from bot.agent.recover import recover  # noqa: PLC0415 - see above

        try:
            recover(node, checkout)
        except BotError as problem:
            obstacle = problem  # no order is begun while another one is half done
    return replace(DeployRun(node, order, checkout).carry_out(obstacle=obstacle), interrupted=number)


def recover_node(node: LocalNode, *, clock: Clock = Clock()) -> Outcome | None:  # noqa: B008 - it holds two functions
    """Recover from an interrupted order, at a start of the node; None when there is none.

    The engine may start after this does: it is waited for, within a limit.
    """
    from bot.agent.recover import recover  # noqa: PLC0415 - an order without one to recover from does without

    identity = node.state.read_identity()
    with node.state.lock():
        unfinished = find_unfinished(node.state.read_record())
        if unfinished is None:
            return None
        if not unfinished.begun.order.kind.reads_only:
            _wait_for_engine(node, clock)
        root = _root(node, unfinished.begun.order.root or identity.root)
        if root is None:
            return None
        with closing(Checkout(root, node.access)) as checkout:
            return recover(node, checkout)


def _wait_for_engine(node: LocalNode, clock: Clock) -> None:
    limit = node.timeouts.engine
    if not node.docker.wait_until_reachable(0, now=clock.now, sleep=clock.sleep):
        node.log(f"waiting for the engine, for {limit:g} s at most")
        node.docker.wait_until_reachable(limit, now=clock.now, sleep=clock.sleep)


def _checkout(node: LocalNode, order: Order, identity: Identity) -> Checkout | None:
    root = _root(node, order.root or identity.root)
    return Checkout(root, node.access) if root else None


def _root(node: LocalNode, named: str) -> Path | None:
    return node.root or (Path(named).expanduser() if named else None)


def _refuse(node: LocalNode, order: Order, identity: Identity) -> Refusal | None:
    """Why this node refuses a verified order, if it does."""
    if identity.report_only and not order.kind.reads_only:
        text = "this node only reports: it was set up with --report-only"
        return Refusal(reason=RefusalReason.UNSUPPORTED, text=text, order=order)
    return find_withdrawal(node, order)


def _refused(node: LocalNode, refusal: Refusal) -> Outcome:
    outcome = Outcome(end=OrderEnd.REFUSED, text=refusal.text, order=refusal.order, refusal=refusal.reason)
    if refusal.order is not None:
        report_outcome(node, refusal.order, outcome)
    return outcome
