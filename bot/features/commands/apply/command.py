"""Decide a command once, and carry the decision out. Safe to run again after a crash at any line."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from bot.domain.errors import RetryLater
from bot.domain.names import BranchName, PullNumber
from bot.features.audit.facts import Audited
from bot.features.commands.apply.follow import begin_orders, read_base
from bot.features.commands.apply.holds import end_or_save_hold, resolve_route, save_pin_hold
from bot.features.commands.apply.orders import show_plans
from bot.features.commands.apply.plan import post_new_plan
from bot.features.commands.apply.replies import put_reply
from bot.features.commands.decide.actions import Decision, GiveLocksBack, GiveOrders, HoldBumps, MakePlan, ResumeBumps
from bot.features.commands.decide.command import decide_command
from bot.features.commands.decide.reasons import CommandReason
from bot.features.commands.facts.record import (
    CommandRecord,
    audit_command,
    audit_lock,
    compose_locks,
    compose_record,
)
from bot.features.commands.jobs import RunCommand
from bot.features.commands.read import CommandContext, load_command_context
from bot.features.commands.text.reply import Extra, render_reply
from bot.features.commands.text.status import render_status
from bot.features.commands.text.words import WORDS
from bot.features.fleets.jobs import BumpResumed, FoundEvent
from bot.features.holds.facts import HoldKind
from bot.features.holds.store import LockTakenError
from bot.github.client import Client
from bot.github.endpoints import people
from bot.github.endpoints.people import PullDetail
from bot.observability.metrics import decision_counter
from bot.plan.report.text import render_text
from bot.protocol.order import OrderKind
from bot.text import markdown as md
from bot.text.times import iso_time

if TYPE_CHECKING:
    from bot.features.commands.run import CommandTools

log = logging.getLogger(__name__)
_count_decision = decision_counter("command", CommandReason)


class DecidedCommand(NamedTuple):
    """A decided command; `context` is None when it was decided by an earlier run."""

    record: CommandRecord
    context: CommandContext | None


def decide_once(tools: CommandTools, client: Client, job: RunCommand) -> DecidedCommand | None:
    """The decision on a command: an earlier run's, else made and stored now. None when no pull request has it."""
    record = tools.commands.find(job.source)
    if record is not None:
        return DecidedCommand(record, None)
    context = load_command_context(tools, client, job)
    if context.pull is None:
        log.info("%s: no pull request belongs to it", job.source)
        return None
    decision = decide_command(context.facts)
    log.info("%s by %s in %s#%d: %s", job.source, job.actor, job.fleet, context.pull.number, decision.reason)
    _count_decision(decision.reason)
    return DecidedCommand(_save(tools, job, context, context.pull, decision), context)


def _save(
    tools: CommandTools, job: RunCommand, context: CommandContext, pull: PullDetail, decision: Decision
) -> CommandRecord:
    """Store the decision, with its locks and audit records, before anything is done."""
    facts, at = context.facts, context.at
    record = compose_record(
        facts,
        decision,
        source=job.source,
        fleet=at.repo if at else job.fleet,
        installation=job.installation,
        pull=PullNumber(pull.number),
        base=BranchName(pull.base.ref),
        at=int(tools.fleets.now()),
        route=resolve_route(at, context.pinned) if at and context.pinned else None,
    )
    if at is not None and record.orders and record.orders[0].kind is not OrderKind.DEPLOY:
        record = msgspec.structs.replace(record, shown=show_plans(tools, at, record, facts))
    locks = compose_locks(record, hours=facts.fleet.locks.hours if facts.fleet else 0)
    unlock = decision.nodes if isinstance(decision, GiveLocksBack) else ()
    if isinstance(decision, GiveOrders) and decision.override_reason and decision.locks:
        unlock = tuple(target.node for target in decision.targets)
    changed = (
        *(audit_lock(record, Audited.UNLOCKED, node) for node in unlock),
        *(audit_lock(record, Audited.LOCKED, lock.node) for lock in locks),
    )
    try:
        tools.commands.save(record, (audit_command(record), *changed), locks=locks, unlock=unlock)
    except LockTakenError as problem:
        raise RetryLater(f"another pull request locked {problem} at this very moment", seconds=1) from None
    return record


def apply_command(
    tools: CommandTools, client: Client, job: RunCommand, decided: DecidedCommand
) -> tuple[FoundEvent, ...]:
    """Carry a decision out, and reply."""
    record, context = decided
    decision = record.decision
    if job.comment is not None:
        people.react(client, record.fleet, job.comment, WORDS[decision.reason].tone)
    if isinstance(decision, GiveOrders):
        at = context.at if context and context.at else read_base(tools, client, record.fleet, record.base)
        begin_orders(tools, client, at, record)
        return ()
    extra, found = Extra(), tuple[FoundEvent, ...]()
    if decision.reason is CommandReason.STATUS:
        context = context or load_command_context(tools, client, job)
        extra = Extra(status=f"{render_status(context.facts)}\n\n<sub>As of {iso_time(tools.fleets.now())}.</sub>")
    elif isinstance(decision, MakePlan):
        context = context or load_command_context(tools, client, job)
        extra = _plan_again(tools, client, context, decision)
    elif isinstance(decision, HoldBumps | ResumeBumps):
        end_or_save_hold(tools, record)
        context = context or load_command_context(tools, client, job)
        found = _resume(tools, record, context) if isinstance(decision, ResumeBumps) else ()
    put_reply(tools, client, record.fleet, record.pull, body=render_reply(record, extra=extra))
    return found


def _plan_again(tools: CommandTools, client: Client, context: CommandContext, decision: MakePlan) -> Extra:
    at, pinned, pull = context.at, context.pinned, context.pull
    if at is None or pinned is None or pull is None:
        return Extra()
    plan = post_new_plan(tools, client, at, pinned, pull)
    if plan is None:
        return Extra(note="No plan could be made: the note in this pull request, or its check, says why.")
    shown, title = plan, f"Plan {md.code(plan.id)}"
    if decision.nodes:
        shown = msgspec.structs.replace(plan, nodes=tuple(n for n in plan.nodes if n.node in decision.nodes))
        title += f", for {', '.join(md.code(name) for name in decision.nodes)} alone"
    return Extra(plan=f"{title}\n\n{md.fence(render_text(shown)[:55_000])}")


def _resume(tools: CommandTools, record: CommandRecord, context: CommandContext) -> tuple[FoundEvent, ...]:
    pinned = context.pinned
    if pinned is None:
        return ()
    tip = tools.fleets.mirrors.of(pinned.upstream).resolve(f"refs/heads/{pinned.tracked}")
    if tip is not None:
        save_pin_hold(tools, record, tip, HoldKind.RESUMED)
    base, submodule = pinned.base, pinned.submodule
    return (BumpResumed(fleet=pinned.fleet, installation=record.installation, base=base, submodule=submodule),)
