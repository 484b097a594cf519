"""Give the orders of a decided command, and end its locks. Safe to run again after a crash at any line."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from bot.features.audit.facts import Audited, AuditRecord
from bot.features.commands.facts.command import CommandFacts
from bot.features.commands.facts.record import CommandRecord
from bot.features.commands.text.reply import OrderView
from bot.features.fleets.read import FleetAt
from bot.features.holds.facts import Lock
from bot.features.rollout.apply.approval import PlanDiffers
from bot.features.rollout.apply.dispatch import HeadMoved, Waiting, give_order, read_order_plan
from bot.features.rollout.decide.orders import last_good
from bot.features.rollout.facts import PastOrder, Stage
from bot.features.rollout.read.history import read_orders
from bot.features.rollout.text import DifferingPlan, render_differing
from bot.github.client import Client
from bot.plan.order import OrderRequest
from bot.plan.report.text import render_text
from bot.protocol.order import OrderKind
from bot.text import markdown as md
from bot.text.times import iso_time

if TYPE_CHECKING:
    from bot.features.commands.run import CommandTools

log = logging.getLogger(__name__)

LONGEST_SHOWN = 5_000  # characters of one node's plan in a reply
MOST_SHOWN = 8  # nodes whose plan a reply shows


class Progress(NamedTuple):
    """How far a command's orders are."""

    views: tuple[OrderView, ...]
    ended: bool


def follow_orders(tools: CommandTools, client: Client, at: FleetAt, record: CommandRecord) -> Progress:
    """Give the orders that could not be given yet; how far all of them are."""
    views, ended = [], True
    for wanted in record.orders:
        past = read_orders(
            tools.rollout, client, at.repo, wanted.node, submodule=wanted.submodule.path, commit=wanted.commit
        )
        view, over = _follow_one(tools, client, at, wanted, past=past, record=record)
        views.append(view)
        ended = ended and over
    return Progress(tuple(views), ended)


def _follow_one(
    tools: CommandTools,
    client: Client,
    at: FleetAt,
    wanted: OrderRequest,
    *,
    past: tuple[PastOrder, ...],
    record: CommandRecord,
) -> tuple[OrderView, bool]:
    name = wanted.node.name
    try:
        order = give_order(tools.rollout, client, at, wanted, past)
    except HeadMoved as problem:
        _end_own_lock(tools, record, wanted, past, because="head_moved")
        return OrderView(node=name, state="gone", description=str(problem)), True
    except PlanDiffers as problem:
        _end_own_lock(tools, record, wanted, past, because="plan_differs")
        other = DifferingPlan(node=name, plan=problem.plan, approved=problem.approved, beyond=problem.beyond)
        return OrderView(node=name, state="gone", description=str(problem), details=render_differing(other)), True
    if isinstance(order, Waiting):
        return OrderView(node=name, state="waiting", description=f"order {order.behind.number} comes first"), False
    _record_order(tools, record, wanted, order)
    over = order.stage in (Stage.SUCCEEDED, Stage.FAILED, Stage.WITHDRAWN, Stage.ABANDONED)
    if over and (order.stage is not Stage.SUCCEEDED or wanted.kind is OrderKind.RESTORE):
        _end_own_lock(tools, record, wanted, past, because=f"order_{order.stage}")
    view = OrderView(node=name, state=order.state or "made", description=order.description, log_url=order.log_url)
    return view, over


def _record_order(tools: CommandTools, record: CommandRecord, wanted: OrderRequest, order: PastOrder) -> None:
    def entry(what: Audited, state: str = "", text: str = "") -> AuditRecord:
        return AuditRecord(
            what=what,
            fleet=record.fleet,
            at=iso_time(tools.fleets.now()),
            actor=record.actor,
            pull=record.pull,
            source=record.source,
            node=wanted.node.name,
            order=order.number,
            kind=wanted.kind,
            commit=wanted.commit,
            pin=wanted.pin,
            plan=wanted.approved or "",
            state=state,
            text=text,
        )

    tools.audit.append(f"order:{order.number}:ordered", entry(Audited.ORDERED))
    if not order.stage.is_open and order.stage is not Stage.MADE:
        ended = entry(Audited.ENDED, order.state, order.description)
        tools.audit.append(f"order:{order.number}:{order.stage}", ended)


def _end_own_lock(
    tools: CommandTools, record: CommandRecord, wanted: OrderRequest, past: Sequence[PastOrder], *, because: str
) -> None:
    """End the lock that deploying took when nothing of the pull request is on the node. One with a reason stays."""
    runs = last_good(past, wanted.submodule.path, or_partly=True)
    still = runs is not None and runs.pull == record.pull and runs.kind is OrderKind.DEPLOY
    if still and wanted.kind is not OrderKind.RESTORE:
        return
    locks = tools.bump.holds.find_locks(record.fleet, now=tools.fleets.now())
    own = [lock for lock in locks if (lock.node, lock.pull, lock.reason) == (wanted.node.name, record.pull, "")]
    end_locks(tools, own, because=because, key=f"{record.source}:{wanted.node.name}:unlocked")


def end_command_locks(tools: CommandTools, record: CommandRecord, *, because: str) -> None:
    """End the locks that the command's own deploy took; those taken by /lock, which carry a reason, stay."""
    nodes = {order.node.name for order in record.orders}
    locks = tools.bump.holds.find_locks(record.fleet, now=tools.fleets.now())
    own = [lock for lock in locks if lock.node in nodes and (lock.pull, lock.reason) == (record.pull, "")]
    end_locks(tools, own, because=because, key=f"{record.source}:unlocked")


def end_locks(tools: CommandTools, locks: Sequence[Lock], *, because: str, key: str, actor: str = "") -> None:
    """End locks, with a record in the audit trail."""
    records = [
        AuditRecord(
            what=Audited.UNLOCKED,
            fleet=lock.fleet,
            at=iso_time(tools.fleets.now()),
            actor=actor,
            pull=lock.pull,
            node=lock.node,
            reason=because,
        )
        for lock in locks
    ]
    if locks:
        tools.commands.end_locks(locks, records, key=f"{key}:{locks[0].taken_at}")


def show_plans(tools: CommandTools, at: FleetAt, record: CommandRecord, facts: CommandFacts) -> str:
    """What the orders will do, node by node, to be read before they are given. Markdown."""
    past = {node.node.name: node.past for node in facts.nodes}
    parts = []
    for wanted in record.orders[:MOST_SHOWN]:
        start = last_good(past.get(wanted.node.name, ()), wanted.submodule.path, or_partly=True)
        plan = read_order_plan(tools.rollout, at, wanted, start)
        parts.append(f"{md.code(wanted.node.name)}:\n\n{md.fence(render_text(plan)[:LONGEST_SHOWN])}")
    return "\n\n".join(parts)
