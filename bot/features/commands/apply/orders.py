"""Give a command's orders, follow them until they have ended, and keep the reply up to date.

Safe to run again after a crash at any line.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from bot.domain.errors import RetryLater
from bot.domain.names import BranchName, PullNumber, RepoName
from bot.features.audit.facts import Audited, AuditRecord
from bot.features.commands.apply.holds import save_pin_hold
from bot.features.commands.apply.plan import open_pin_back
from bot.features.commands.decide.actions import GiveOrders
from bot.features.commands.facts.command import CommandFacts
from bot.features.commands.facts.record import CommandRecord
from bot.features.commands.text.reply import OrderView, parse_reply_marker, render_reply, reply_marker
from bot.features.fleets.read import FleetAt, NotAFleet, fetch_all, read_fleet
from bot.features.holds.facts import HoldKind, Lock
from bot.features.rollout.apply.approval import PinUnknown, PlanDiffers, StacksUnreadable
from bot.features.rollout.apply.dispatch import HeadMoved, NotStarted, Waiting, give_order
from bot.features.rollout.apply.order_plan import read_order_plan
from bot.features.rollout.decide.orders import last_good
from bot.features.rollout.facts import PastOrder, Stage
from bot.features.rollout.read.history import read_orders
from bot.features.rollout.text import DifferingPlan, render_differing
from bot.fleetfile.problems import YamlFileError
from bot.github.client import Client
from bot.github.comments import find_own_comments, minimize_comment, post_first_comment, put_comment
from bot.github.endpoints.comments import Comment
from bot.github.errors import GitHubError
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
_ONE_AT_A_TIME = ("status", "plan", "help")  # kinds of replies of which only the newest matters


def follow_open_commands(tools: CommandTools, client: Client, fleet: RepoName) -> bool:
    """Follow every open command of a fleet; whether locks ended with it.

    One that cannot be followed stops no other: with its base or fleet file gone it is closed and its reply says so;
    any other failure is raised when all the others were followed, so that the job is retried.
    """
    before = tools.bump.holds.find_locks(fleet, now=tools.fleets.now())
    failed: Exception | None = None
    records = tools.commands.find_open(fleet)
    for base in dict.fromkeys(record.base for record in records):
        gone: Exception | None = None
        try:
            at = read_base(tools, client, fleet, base)
        except (NotAFleet, YamlFileError) as problem:
            gone = problem
        for record in (one for one in records if one.base == base):
            try:
                if gone is None:
                    follow(tools, client, at, record)
                else:
                    close_impossible(tools, client, record, gone)
            except NotStarted as problem:
                failed = failed or problem
            except RetryLater:
                raise  # it holds for the whole installation
            except Exception as problem:  # noqa: BLE001 - raised below, when the others were followed
                log.warning("%s could not be followed: %s", record.source, problem)
                failed = failed or problem
    if failed is not None:
        raise failed
    return bool(records) and before != tools.bump.holds.find_locks(fleet, now=tools.fleets.now())


def read_base(tools: CommandTools, client: Client, fleet: RepoName, base: BranchName) -> FleetAt:
    """The fleet at the head of `base`, from fetched mirrors. Raises NotAFleet or YamlFileError."""
    pins = [pin for pin in tools.fleets.pins.pins_of(fleet) if pin.base == base]
    fetch_all(tools.fleets, client, [fleet, *(pin.upstream for pin in pins)])
    return read_fleet(tools.fleets, fleet, base)


def begin_orders(tools: CommandTools, client: Client, at: FleetAt, record: CommandRecord) -> None:
    """Give the orders for the first time: the plan is shown before, and a rollback opens its pull request."""
    decision = record.decision
    pins = tools.fleets.pins.pins_of(at.repo)
    pinned = next((pin for pin in pins if (pin.base, pin.submodule) == (at.base, record.submodule)), None)
    if isinstance(decision, GiveOrders) and decision.pin_back and pinned and not record.link:
        current = at.mirror.pin_at(at.head, pinned.submodule)
        if current:
            save_pin_hold(tools, record, current, HoldKind.ROLLED_BACK)
        try:
            link = open_pin_back(tools, client, at, pinned, record=record, pin=decision.pin_back)
            record = msgspec.structs.replace(record, link=link)
        except GitHubError as problem:  # the nodes come first: the pin can be moved back by hand
            log.warning("%s: the pin is not moved back: %s", record.source, problem)
            record = msgspec.structs.replace(record, unlinked=problem.message)
        tools.commands.update(record)
    if record.shown:
        waiting = tuple(OrderView(node=wanted.node.name, state="waiting") for wanted in record.orders)
        put_reply(tools, client, record.fleet, record.pull, body=render_reply(record, waiting))
    follow(tools, client, at, record)


def follow(tools: CommandTools, client: Client, at: FleetAt, record: CommandRecord) -> None:
    """Give what could not be given yet, update the reply, and close the command when all its orders have ended."""
    progress = follow_orders(tools, client, at, record)
    put_reply(tools, client, record.fleet, record.pull, body=render_reply(record, progress.views))
    if progress.ended:
        tools.commands.close(record.source)
    if progress.waits is not None:
        raise progress.waits


def close_impossible(tools: CommandTools, client: Client, record: CommandRecord, problem: Exception) -> None:
    """Close a command whose orders cannot be followed any more, end its own locks, and say why in its reply."""
    log.warning("%s is closed: %s", record.source, problem)
    views = tuple(OrderView(node=o.node.name, state="gone", description=str(problem)) for o in record.orders)
    put_reply(tools, client, record.fleet, record.pull, body=render_reply(record, views))
    end_command_locks(tools, record, because="base_gone")
    tools.commands.close(record.source)


class Progress(NamedTuple):
    """How far a command's orders are. `waits`: what GitHub does not start, to be raised once it is reported."""

    views: tuple[OrderView, ...]
    ended: bool
    waits: NotStarted | None


def follow_orders(tools: CommandTools, client: Client, at: FleetAt, record: CommandRecord) -> Progress:
    """Give the orders that could not be given yet; how far all of them are."""
    views: list[OrderView] = []
    ended, waits = True, None
    for wanted in record.orders:
        past = read_orders(
            tools.rollout, client, at.repo, wanted.node, submodule=wanted.submodule.path, commit=wanted.commit
        )
        try:
            view, over = _follow_one(tools, client, at, wanted, past=past, record=record)
        except NotStarted as problem:
            waits, over = problem, False
            view = OrderView(node=wanted.node.name, state="waiting", description=str(problem))
        views.append(view)
        ended = ended and over
    return Progress(tuple(views), ended, waits)


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
    except PinUnknown as problem:
        _end_own_lock(tools, record, wanted, past, because="pin_unknown")
        return OrderView(node=name, state="gone", description=str(problem)), True
    except StacksUnreadable as problem:
        _end_own_lock(tools, record, wanted, past, because="stacks_unreadable")
        return OrderView(node=name, state="gone", description=str(problem)), True
    except PlanDiffers as problem:
        _end_own_lock(tools, record, wanted, past, because="plan_differs")
        plan, past_it = problem.plan, problem.beyond
        other = DifferingPlan(name, plan, problem.approved, past_it, stacks=wanted.stacks, prefix=record.prefix)
        return OrderView(node=name, state="gone", description=str(problem), details=render_differing(other)), True
    if isinstance(order, Waiting):
        return OrderView(node=name, state="waiting", description=f"waiting for order {order.behind.number}"), False
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
        plan = read_order_plan(tools.rollout, at, wanted, past.get(wanted.node.name, ())).plan
        parts.append(f"{md.code(wanted.node.name)}:\n\n{md.fence(render_text(plan)[:LONGEST_SHOWN])}")
    return "\n\n".join(parts)


def post_first_reply(tools: CommandTools, client: Client, repo: RepoName, number: PullNumber, *, body: str) -> None:
    """As put_reply, for a command that was decided just now: there is no reply yet, so none is looked for before."""
    source, kind = parse_reply_marker(body) or ("", "")
    marker = reply_marker(source, kind)
    made = post_first_comment(client, repo, number, marker=marker, body=body)
    if made and kind in _ONE_AT_A_TIME:
        ours = find_own_comments(client, repo, number, login=tools.fleets.app.login())
        _hide_newest(client, [one for one in ours if marker not in one.body], kind)


def put_reply(tools: CommandTools, client: Client, repo: RepoName, number: PullNumber, *, body: str) -> None:
    """Make the one reply with the marker of `body`, or edit it when its text differs.

    A new one of a kind of which only the newest matters hides the one before.
    """
    source, kind = parse_reply_marker(body) or ("", "")
    marker = reply_marker(source, kind)
    before = put_comment(client, repo, number, marker=marker, body=body, login=tools.fleets.app.login())
    if kind in _ONE_AT_A_TIME:
        _hide_newest(client, before, kind)


def _hide_newest(client: Client, ours: Sequence[Comment], kind: str) -> None:
    """Hide the newest reply of one kind; those before it were hidden when it was made."""
    same = [one for one in ours if (parse_reply_marker(one.body) or ("", ""))[1] == kind]
    if same:
        minimize_comment(client, same[-1])
