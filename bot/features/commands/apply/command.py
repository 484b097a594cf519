"""Decide a command once and carry the decision out.

Safe to run again after a crash at any line.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from bot.domain.errors import RetryLater
from bot.domain.names import BranchName, PullNumber
from bot.domain.verdicts import Permission
from bot.features.audit.facts import Audited
from bot.features.commands.apply.holds import end_or_save_hold, resolve_route, save_pin_hold
from bot.features.commands.apply.orders import (
    begin_orders,
    post_first_reply,
    put_reply,
    read_base,
    show_plans,
)
from bot.features.commands.apply.plan import post_new_plan
from bot.features.commands.decide.actions import (
    Decision,
    GiveLocksBack,
    GiveOrders,
    HoldBumps,
    MakePlan,
    ResumeBumps,
)
from bot.features.commands.decide.attention import Attention, decide_attention
from bot.features.commands.decide.command import decide_command
from bot.features.commands.decide.reasons import CommandReason
from bot.features.commands.facts.command import Actor, CommandFacts
from bot.features.commands.facts.record import (
    CommandRecord,
    audit_command,
    audit_lock,
    compose_locks,
    compose_record,
)
from bot.features.commands.jobs import RunCommand
from bot.features.commands.read.command import (
    CommandContext,
    load_command_context,
)
from bot.features.commands.read.stranger import load_stranger_context
from bot.features.commands.text.reply import Extra, render_reply, render_status
from bot.features.commands.text.words import WORDS
from bot.features.fleets.jobs import BumpResumed, FoundEvent
from bot.features.holds.facts import HoldKind
from bot.features.holds.store import LockTakenError
from bot.github.client import Client
from bot.github.endpoints import people
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


def decide_if_heard(tools: CommandTools, client: Client, job: RunCommand) -> DecidedCommand | None:
    """The decision on a command, within what one person may ask; None for one that is ignored."""
    recent = tools.recent.note(job.fleet, job.actor, job.source, now=tools.fleets.now())
    match decide_attention(recent):
        case Attention.HEARD:
            return decide_once(tools, client, job)
        case Attention.ANSWERED:
            return _refuse_too_many(tools, job)
        case Attention.IGNORED:
            return None


def decide_once(tools: CommandTools, client: Client, job: RunCommand) -> DecidedCommand | None:
    """The decision on a command: an earlier run's, else made and stored now. None when no pull request has it."""
    record = tools.commands.find(job.source)
    if record is not None:
        return DecidedCommand(record, None)
    permission = people.read_permission(client, job.fleet, job.actor)
    stranger = load_stranger_context(tools, job, permission)
    if stranger is not None:
        tools.recent.refuse(job.fleet, job.actor, job.source, now=tools.fleets.now())
    refused = stranger or (_unread(job, in_review=True) if job.is_in_review else None)
    context = refused or load_command_context(tools, client, job, permission)
    number = PullNumber(context.pull.number) if context.pull else job.number
    if number is None or (context.pull is None and refused is None):
        log.info("%s: no pull request belongs to it", job.source)
        return None
    return _decided(tools, job, context, number, decide_command(context.facts))


def _unread(job: RunCommand, *, in_review: bool = False, too_many: bool = False) -> CommandContext:
    """All that is known of a command that is refused, whatever it asks for."""
    actor = Actor(login=job.actor, permission=Permission.UNKNOWN)
    facts = CommandFacts(
        command=job.command, actor=actor, age=0.0, fleet=None, in_review=in_review, too_many=too_many
    )
    return CommandContext(facts, None, None, None)


def _refuse_too_many(tools: CommandTools, job: RunCommand) -> DecidedCommand | None:
    """The refusal of one command too many of one person; None when answered before. Sends no request."""
    if job.number is None or tools.commands.find(job.source) is not None:
        return None
    context = _unread(job, too_many=True)
    return _decided(tools, job, context, job.number, decide_command(context.facts))


def _decided(
    tools: CommandTools, job: RunCommand, context: CommandContext, number: PullNumber, decision: Decision
) -> DecidedCommand:
    log.info("%s by %s in %s#%d: %s", job.source, job.actor, job.fleet, number, decision.reason)
    _count_decision(decision.reason)
    return DecidedCommand(_save(tools, job, context, number, decision), context)


def _save(
    tools: CommandTools, job: RunCommand, context: CommandContext, number: PullNumber, decision: Decision
) -> CommandRecord:
    """Store the decision, with its locks and audit records, before anything is done."""
    facts, at = context.facts, context.at
    record = compose_record(
        facts,
        decision,
        source=job.source,
        fleet=at.repo if at else job.fleet,
        installation=job.installation,
        pull=number,
        base=BranchName(context.pull.base.ref) if context.pull else at.base if at else BranchName(""),
        at=int(tools.fleets.now()),
        route=resolve_route(at, context.pinned) if at and context.pinned else None,
    )
    is_shown = decision.reason is not CommandReason.REPAIRED  # what that does no plan says: it looks at the node
    if at is not None and record.orders and record.orders[0].kind is not OrderKind.DEPLOY and is_shown:
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
        raise RetryLater(f"another pull request locked {problem} just now", seconds=1) from None
    return record


def apply_command(
    tools: CommandTools, client: Client, job: RunCommand, decided: DecidedCommand
) -> tuple[FoundEvent, ...]:
    """Carry a decision out, and reply."""
    record, context = decided
    decision = record.decision
    reply = put_reply if context is None else post_first_reply
    if context is not None and context.pull is None:  # refused before anything was read
        reply(tools, client, record.fleet, record.pull, body=render_reply(record))
        return ()
    if isinstance(decision, GiveOrders):
        _react(client, job, record)
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
    reply(tools, client, record.fleet, record.pull, body=render_reply(record, extra=extra))
    _react(client, job, record)
    return found


def _react(client: Client, job: RunCommand, record: CommandRecord) -> None:
    """Show at the comment what became of it."""
    if job.comment is not None:
        people.react(client, record.fleet, job.comment, WORDS[record.decision.reason].tone)


def _plan_again(tools: CommandTools, client: Client, context: CommandContext, decision: MakePlan) -> Extra:
    at, pinned, pull = context.at, context.pinned, context.pull
    if at is None or pinned is None or pull is None:
        return Extra()
    plan = post_new_plan(tools, client, at, pinned, pull)
    if plan is None:
        return Extra(note="No plan could be made; see the note or the check on this pull request.")
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
