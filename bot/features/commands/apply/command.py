"""Decide a command once and carry the decision out; close out an ended pull request.

Safe to run again after a crash at any line.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from bot.domain.errors import RetryLater
from bot.domain.names import BranchName, PullNumber
from bot.domain.verdicts import Permission
from bot.features.audit.facts import Audited, AuditRecord
from bot.features.audit.store import approval_key
from bot.features.bump.text import parse_marker
from bot.features.commands.apply.holds import end_or_save_hold, resolve_route, save_pin_hold
from bot.features.commands.apply.orders import (
    begin_orders,
    end_locks,
    follow,
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
    Target,
)
from bot.features.commands.decide.attention import Attention, decide_attention
from bot.features.commands.decide.command import decide_command
from bot.features.commands.decide.reasons import CommandReason
from bot.features.commands.facts.command import Actor, CommandFacts, PullFacts
from bot.features.commands.facts.record import (
    CommandRecord,
    audit_command,
    audit_lock,
    compose_locks,
    compose_record,
    compose_restore,
)
from bot.features.commands.jobs import CloseOutPull, RunCommand
from bot.features.commands.read.command import (
    CommandContext,
    base_position,
    load_command_context,
    read_pull_facts,
)
from bot.features.commands.read.nodes import read_node
from bot.features.commands.read.stranger import load_stranger_context
from bot.features.commands.text.reply import Extra, render_reply, render_status
from bot.features.commands.text.words import WORDS
from bot.features.fleets.facts import Pinned
from bot.features.fleets.jobs import BumpResumed, FoundEvent
from bot.features.fleets.read import FleetAt, NotAFleet
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
    context = stranger or load_command_context(tools, client, job, permission)
    number = PullNumber(context.pull.number) if context.pull else job.number
    if number is None or (context.pull is None and stranger is None):
        log.info("%s: no pull request belongs to it", job.source)
        return None
    return _decided(tools, job, context, number, decide_command(context.facts))


def _refuse_too_many(tools: CommandTools, job: RunCommand) -> DecidedCommand | None:
    """The refusal of one command too many of one person; None when answered before. Sends no request."""
    if job.number is None or tools.commands.find(job.source) is not None:
        return None
    actor = Actor(login=job.actor, permission=Permission.UNKNOWN)
    facts = CommandFacts(command=job.command, actor=actor, age=0.0, fleet=None, too_many=True)
    return _decided(tools, job, CommandContext(facts, None, None, None), job.number, decide_command(facts))


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


def close_out_pull(tools: CommandTools, client: Client, job: CloseOutPull) -> bool:
    """End the locks, and after a close without merge return the nodes that were ahead; False while it is open."""
    pull = people.read_pull_detail(client, job.fleet, job.number)
    if pull.state == "open":
        return False
    locks = tools.bump.holds.find_locks(job.fleet, now=tools.fleets.now())
    own = [lock for lock in locks if lock.pull == job.number]
    end_locks(tools, own, because="pull_request_ended", key=f"end:{job.number}")
    base = BranchName(pull.base.ref)
    try:
        at = read_base(tools, client, job.fleet, base)
    except NotAFleet:
        return True
    pins = [pin for pin in tools.fleets.pins.pins_of(at.repo) if pin.base == base]
    if pull.merged_at is not None:
        _record_approval(tools, at, pull, read_pull_facts(at, pull, pins))
        return True
    for pinned in pins:
        _restore_nodes(tools, client, at, pinned, job)
    return True


def _record_approval(tools: CommandTools, at: FleetAt, pull: PullDetail, facts: PullFacts) -> None:
    if not facts.pins:
        return
    marker = parse_marker(pull.body or "")
    record = AuditRecord(
        what=Audited.APPROVED,
        fleet=at.repo,
        at=pull.merged_at or iso_time(tools.fleets.now()),
        actor=pull.merged_by.login if pull.merged_by else "",
        pull=facts.number,
        commit=facts.merge or "",
        pin=facts.pin or "",
        plan=marker.id if marker else "",
    )
    tools.audit.append(approval_key(at.repo, PullNumber(pull.number)), record)


def _restore_nodes(tools: CommandTools, client: Client, at: FleetAt, pinned: Pinned, job: CloseOutPull) -> None:
    """Return the nodes that are ahead for a closed pull request to their base branch."""
    nodes = tuple(read_node(tools, client, at, node, submodule=pinned.submodule, locks=()) for node in at.file.nodes)
    ahead = tuple(node for node in nodes if node.ahead == job.number)
    to, route = base_position(at, pinned.submodule), resolve_route(at, pinned)
    if not ahead or to is None or route is None:
        return
    newest = max(order.number for node in ahead for order in node.past[:1])
    decision = GiveOrders(
        reason=CommandReason.RESTORED,
        kind=OrderKind.RESTORE,
        targets=tuple(Target(node=node.node.name, to=to) for node in ahead),
    )
    source = f"closed:{job.number}:{newest}"  # after a reopening, another deploy has another number
    record = tools.commands.find(source)
    if record is None:
        record = compose_restore(
            decision,
            nodes,
            source=source,
            fleet=at.repo,
            installation=job.installation,
            pull=job.number,
            base=at.base,
            at=int(tools.fleets.now()),
            route=route,
            prefix=at.file.commands.prefix,
        )
        tools.commands.save(record, (audit_command(record),))
    follow(tools, client, at, record)
