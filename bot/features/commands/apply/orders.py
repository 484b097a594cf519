"""Carries a decided command out. Safe to run again after a crash at any line, and run until its orders ended."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

from bot.features.audit.facts import Audited, Record
from bot.features.commands.decide.actions import HoldBumps, ResumeBumps
from bot.features.commands.facts.command import CommandFacts
from bot.features.commands.facts.record import Asked, Way
from bot.features.commands.text.reply import OrderView
from bot.features.fleets.facts import Pinned
from bot.features.fleets.read import FleetAt
from bot.features.holds.facts import Hold, HoldKind, Lock
from bot.features.rollout.apply.dispatch import HeadMoved, Waiting, give_order, read_order_plan
from bot.features.rollout.decide.orders import last_good
from bot.features.rollout.facts import PastOrder, Stage
from bot.features.rollout.read.history import read_orders
from bot.features.world import World
from bot.github.client import Client
from bot.plan.order import OrderRequest
from bot.plan.report.text import render_text
from bot.protocol.order import OrderKind
from bot.text import markdown as md
from bot.text.times import iso_time

log = logging.getLogger(__name__)

LONGEST_SHOWN = 5_000  # characters of one node's plan in a reply
MOST_SHOWN = 8  # nodes whose plan a reply shows


class Progress(NamedTuple):
    """How far a command's orders are."""

    views: tuple[OrderView, ...]
    ended: bool


def follow_orders(world: World, client: Client, at: FleetAt, asked: Asked) -> Progress:
    """Give the orders that could not be given yet, and say how far all are."""
    views, ended = [], True
    for wanted in asked.orders:
        past = read_orders(world, client, at.repo, wanted.node, submodule=wanted.submodule.path, commit=wanted.commit)
        view, over = _follow_one(world, client, at, wanted, past=past, asked=asked)
        views.append(view)
        ended = ended and over
    return Progress(tuple(views), ended)


def _follow_one(
    world: World, client: Client, at: FleetAt, wanted: OrderRequest, *, past: tuple[PastOrder, ...], asked: Asked
) -> tuple[OrderView, bool]:
    name = wanted.node.name
    try:
        order = give_order(world, client, at, wanted, past)
    except HeadMoved as problem:
        _end_own_lock(world, asked, wanted, past, because="head_moved")
        return OrderView(node=name, state="gone", description=str(problem)), True
    if isinstance(order, Waiting):
        return OrderView(node=name, state="waiting", description=f"order {order.behind.number} comes first"), False
    _record_order(world, asked, wanted, order)
    over = order.stage in (Stage.SUCCEEDED, Stage.FAILED, Stage.WITHDRAWN, Stage.ABANDONED)
    if over and (order.stage is not Stage.SUCCEEDED or wanted.kind is OrderKind.RESTORE):
        _end_own_lock(world, asked, wanted, past, because=f"order_{order.stage}")
    view = OrderView(node=name, state=order.state or "made", description=order.description, log_url=order.log_url)
    return view, over


def _record_order(world: World, asked: Asked, wanted: OrderRequest, order: PastOrder) -> None:
    def told(what: Audited, state: str = "", text: str = "") -> Record:
        return Record(
            what=what,
            fleet=asked.fleet,
            at=iso_time(world.now()),
            actor=asked.actor,
            pull=asked.pull,
            source=asked.source,
            node=wanted.node.name,
            order=order.number,
            kind=wanted.kind,
            commit=wanted.commit,
            pin=wanted.pin,
            plan=wanted.approved or "",
            state=state,
            text=text,
        )

    world.people.record(f"order:{order.number}:ordered", told(Audited.ORDERED))
    if not order.stage.is_open and order.stage is not Stage.MADE:
        ended = told(Audited.ENDED, order.state, order.description)
        world.people.record(f"order:{order.number}:{order.stage}", ended)


def _end_own_lock(
    world: World, asked: Asked, wanted: OrderRequest, past: Sequence[PastOrder], *, because: str
) -> None:
    """The lock that deploying took ends when nothing of the pull request is on the node. One with a reason stays."""
    runs = last_good(past, wanted.submodule.path, or_partly=True)
    still = runs is not None and runs.pull == asked.pull and runs.kind is OrderKind.DEPLOY
    if still and wanted.kind is not OrderKind.RESTORE:
        return
    locks = world.people.find_locks(asked.fleet, now=world.now())
    own = [lock for lock in locks if (lock.node, lock.pull, lock.reason) == (wanted.node.name, asked.pull, "")]
    end_locks(world, own, because=because, key=f"{asked.source}:{wanted.node.name}:unlocked")


def end_locks(world: World, locks: Sequence[Lock], *, because: str, key: str, actor: str = "") -> None:
    """End locks, and say so in the audit trail."""
    records = [
        Record(
            what=Audited.UNLOCKED,
            fleet=lock.fleet,
            at=iso_time(world.now()),
            actor=actor,
            pull=lock.pull,
            node=lock.node,
            reason=because,
        )
        for lock in locks
    ]
    if locks:
        world.people.end_locks(locks, records, key=f"{key}:{locks[0].taken_at}")


def keep_word(world: World, asked: Asked) -> None:
    """A hold or its end, in the bot's own records."""
    decision, submodule = asked.decision, asked.submodule
    if submodule is None:
        return
    if isinstance(decision, HoldBumps):
        world.people.hold(
            Hold(
                fleet=asked.fleet,
                base=asked.base,
                submodule=submodule,
                kind=HoldKind.HOLD,
                by=asked.actor,
                reason=decision.text,
                pull=asked.pull,
            )
        )
    elif isinstance(decision, ResumeBumps):
        world.people.resume(asked.fleet, asked.base, submodule)


def settle_pin(world: World, asked: Asked, pin: str, kind: HoldKind) -> None:
    """Say of one upstream commit that it was rolled back, or that somebody wants it all the same."""
    if asked.submodule is not None:
        hold = Hold(
            fleet=asked.fleet,
            base=asked.base,
            submodule=asked.submodule,
            kind=kind,
            by=asked.actor,
            pull=asked.pull,
            pin=pin,
        )
        world.people.hold(hold)


def make_way(at: FleetAt, pinned: Pinned) -> Way | None:
    """Where the orders of one pin go; None when the fleet file no longer keeps it."""
    submodule = at.submodule(pinned.submodule)
    if submodule is None:
        return None
    return Way(submodule=submodule, upstream=pinned.upstream, default_branch=pinned.default_branch)


def show_plans(world: World, at: FleetAt, asked: Asked, facts: CommandFacts) -> str:
    """What the orders will do, node by node, to be read before they are given. Markdown."""
    past = {node.node.name: node.past for node in facts.nodes}
    parts = []
    for wanted in asked.orders[:MOST_SHOWN]:
        start = last_good(past.get(wanted.node.name, ()), wanted.submodule.path, or_partly=True)
        plan = read_order_plan(world, at, wanted, start)
        parts.append(f"{md.code(wanted.node.name)}:\n\n{md.fence(render_text(plan)[:LONGEST_SHOWN])}")
    return "\n\n".join(parts)
