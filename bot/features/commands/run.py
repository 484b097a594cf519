"""Looks that people lead to, from facts to effects: commands, what follows from them, the end of pull requests."""

from __future__ import annotations

import logging

import msgspec

from bot.domain.errors import RetryLater
from bot.domain.names import BranchName, PullNumber, RepoName
from bot.domain.verbs import Verb
from bot.features.audit.facts import Audited, Record
from bot.features.bump.jobs import SyncBump
from bot.features.bump.text import parse_marker
from bot.features.commands.apply.orders import end_locks, follow_orders, keep_word, make_way, settle_pin, show_plans
from bot.features.commands.apply.pin_back import open_pin_back
from bot.features.commands.apply.plan import make_plan_anew
from bot.features.commands.apply.replies import put_reply
from bot.features.commands.decide.actions import (
    Decision,
    GiveLocksBack,
    GiveOrders,
    HoldBumps,
    MakePlan,
    ResumeBumps,
    Target,
)
from bot.features.commands.decide.command import decide_command
from bot.features.commands.decide.reasons import CommandReason
from bot.features.commands.facts.command import Actor, CommandFacts, PullFacts
from bot.features.commands.facts.record import Asked, compose_asked, compose_locks, lock_record, record_of
from bot.features.commands.grammar import Command
from bot.features.commands.jobs import AcknowledgeCommand, CloseOutPull, PullLook, RunCommand, SyncCommandOrders
from bot.features.commands.read import Spoken, base_position, read_node, read_pull_facts, read_spoken
from bot.features.commands.store import LockTakenError
from bot.features.commands.text.reply import Extra, OrderView, render_reply
from bot.features.commands.text.status import render_status
from bot.features.commands.text.words import WORDS
from bot.features.fleets import read as fleets_read
from bot.features.fleets.facts import Pinned
from bot.features.fleets.read import FleetAt, NotAFleet
from bot.features.holds.facts import HoldKind
from bot.features.metrics import decision_counter
from bot.features.review.apply import look_at_review
from bot.features.review.jobs import SyncReview
from bot.features.rollout.jobs import SyncRollout
from bot.features.world import World
from bot.github.client import Client
from bot.github.endpoints import people
from bot.github.endpoints.people import PullDetail
from bot.github.shapes import Permission
from bot.plan.report.text import render_text
from bot.protocol.order import OrderKind
from bot.service.router import Look
from bot.text import markdown as md
from bot.text.times import iso_time

log = logging.getLogger(__name__)
_count_decision = decision_counter("command", CommandReason)


def look_at_pull(world: World, client: Client, look: PullLook) -> tuple[Look, ...]:
    """Do what `look` asks for. Returns the looks that follow from what it found."""
    match look:
        case RunCommand():
            return look_at_command(world, client, look)
        case AcknowledgeCommand():
            people.react(client, look.fleet, look.comment, "eyes")
        case SyncCommandOrders():
            return look_at_asked(world, client, look)
        case CloseOutPull():
            look_at_pull_end(world, client, look)
            return _roll_on(world, look.fleet)  # nodes that were locked for it are free for merges now
        case SyncReview():
            look_at_review(world, client, look)
    return ()


def look_at_command(world: World, client: Client, look: RunCommand) -> tuple[Look, ...]:
    """Decide a command, unless it was decided before, and carry it out."""
    asked = world.people.find_asked(look.source)
    spoken = None
    if asked is None:
        spoken = read_spoken(world, client, look)
        if spoken.pull is None:
            log.info("%s: no pull request belongs to it", look.source)
            return ()
        decision = decide_command(spoken.facts)
        log.info("%s by %s in %s#%d: %s", look.source, look.actor, look.fleet, spoken.pull.number, decision.reason)
        _count_decision(decision.reason)
        asked = _keep(world, look, spoken, spoken.pull, decision)
    return _carry_out(world, client, look, asked, spoken)


def _keep(world: World, look: RunCommand, spoken: Spoken, pull: PullDetail, decision: Decision) -> Asked:
    """Write the decision down, with its locks and its line in the audit trail, before anything is done."""
    facts, at = spoken.facts, spoken.at
    asked = compose_asked(
        facts,
        decision,
        source=look.source,
        fleet=at.repo if at else look.fleet,
        installation=look.installation,
        pull=PullNumber(pull.number),
        base=BranchName(pull.base.ref),
        at=int(world.now()),
        way=make_way(at, spoken.pinned) if at and spoken.pinned else None,
    )
    if at is not None and asked.orders and asked.orders[0].kind is not OrderKind.DEPLOY:
        asked = msgspec.structs.replace(asked, shown=show_plans(world, at, asked, facts))
    locks = compose_locks(asked, hours=facts.fleet.locks.hours if facts.fleet else 0)
    unlock = decision.nodes if isinstance(decision, GiveLocksBack) else ()
    if isinstance(decision, GiveOrders) and decision.glass and decision.locks:
        unlock = tuple(target.node for target in decision.targets)
    changed = (
        *(lock_record(asked, Audited.UNLOCKED, node) for node in unlock),
        *(lock_record(asked, Audited.LOCKED, lock.node) for lock in locks),
    )
    try:
        world.people.keep_asked(asked, (record_of(asked), *changed), locks=locks, unlock=unlock)
    except LockTakenError as problem:
        raise RetryLater(f"somebody else locked {problem} at this very moment", seconds=1) from None
    return asked


def _carry_out(
    world: World, client: Client, look: RunCommand, asked: Asked, spoken: Spoken | None
) -> tuple[Look, ...]:
    if look.comment is not None:
        people.react(client, asked.fleet, look.comment, WORDS[asked.decision.reason].tone)
    decision = asked.decision
    if isinstance(decision, GiveOrders):
        at = spoken.at if spoken and spoken.at else _read_base(world, client, asked.fleet, asked.base)
        _begin(world, client, at, asked)
        return ()
    extra, follows = Extra(), tuple[Look, ...]()
    if decision.reason is CommandReason.STATUS:
        spoken = spoken or read_spoken(world, client, look)
        extra = Extra(status=f"{render_status(spoken.facts)}\n\n<sub>As of {iso_time(world.now())}.</sub>")
    elif isinstance(decision, MakePlan):
        spoken = spoken or read_spoken(world, client, look)
        extra = _plan_anew(world, client, spoken, decision)
    elif isinstance(decision, GiveLocksBack):
        follows = _roll_on(world, asked.fleet)
    elif isinstance(decision, HoldBumps | ResumeBumps):
        keep_word(world, asked)
        spoken = spoken or read_spoken(world, client, look)
        follows = _resume(world, asked, spoken) if isinstance(decision, ResumeBumps) else ()
    put_reply(world, client, asked.fleet, asked.pull, body=render_reply(asked, extra=extra))
    return follows


def _plan_anew(world: World, client: Client, spoken: Spoken, asked_for: MakePlan) -> Extra:
    at, pinned, pull = spoken.at, spoken.pinned, spoken.pull
    if at is None or pinned is None or pull is None:
        return Extra()
    plan = make_plan_anew(world, client, at, pinned, pull)
    if plan is None:
        return Extra(note="No plan could be made: the note in this pull request, or its check, says why.")
    shown, title = plan, f"Plan {md.code(plan.id)}"
    if asked_for.nodes:
        shown = msgspec.structs.replace(plan, nodes=tuple(n for n in plan.nodes if n.node in asked_for.nodes))
        title += f", for {', '.join(md.code(name) for name in asked_for.nodes)} alone"
    return Extra(plan=f"{title}\n\n{md.fence(render_text(shown)[:55_000])}")


def _resume(world: World, asked: Asked, spoken: Spoken) -> tuple[Look, ...]:
    pinned = spoken.pinned
    if pinned is None:
        return ()
    tip = world.mirror(pinned.upstream).resolve(f"refs/heads/{pinned.tracked}")
    if tip is not None:
        settle_pin(world, asked, tip, HoldKind.RESUMED)
    return (
        SyncBump(fleet=pinned.fleet, installation=asked.installation, base=pinned.base, submodule=pinned.submodule),
    )


# -- orders that people asked for -------------------------------------------------------------------------------


def _roll_on(world: World, fleet: RepoName) -> tuple[Look, ...]:
    """A lock ended: a merge that had to leave the node out can go on."""
    known = {pin.base: pin for pin in world.memory.pins_of(fleet)}
    return tuple(
        SyncRollout(fleet=pin.fleet, installation=pin.installation, base=base) for base, pin in known.items()
    )


def look_at_asked(world: World, client: Client, look: SyncCommandOrders) -> tuple[Look, ...]:
    """Give what had to wait, and edit the replies of all commands whose orders have not ended."""
    waiting = world.people.open_asked(look.fleet)
    before = world.people.find_locks(look.fleet, now=world.now())
    for base in dict.fromkeys(asked.base for asked in waiting):
        at = _read_base(world, client, look.fleet, base)
        for asked in waiting:
            if asked.base == base:
                _follow(world, client, at, asked)
    ended = waiting and before != world.people.find_locks(look.fleet, now=world.now())
    return _roll_on(world, look.fleet) if ended else ()


def _read_base(world: World, client: Client, fleet: RepoName, base: BranchName) -> FleetAt:
    pins = [pin for pin in world.memory.pins_of(fleet) if pin.base == base]
    fleets_read.fetch_all(world, client, [fleet, *(pin.upstream for pin in pins)])
    return fleets_read.read_fleet(world, fleet, base)


def _begin(world: World, client: Client, at: FleetAt, asked: Asked) -> None:
    """The first time: what it takes back is shown before it acts, and the record is asked to follow."""
    decision = asked.decision
    pinned = next(
        (p for p in world.memory.pins_of(at.repo) if (p.base, p.submodule) == (at.base, asked.submodule)), None
    )
    if isinstance(decision, GiveOrders) and decision.pin_back and pinned and not asked.link:
        settled = at.mirror.pin_at(at.head, pinned.submodule)
        if settled:
            settle_pin(world, asked, settled, HoldKind.ROLLED_BACK)
        link = open_pin_back(world, client, at, pinned, asked=asked, pin=decision.pin_back)
        asked = msgspec.structs.replace(asked, link=link)
        world.people.update_asked(asked)
    if asked.shown:
        waiting = tuple(OrderView(node=wanted.node.name, state="waiting") for wanted in asked.orders)
        put_reply(world, client, asked.fleet, asked.pull, body=render_reply(asked, waiting))
    _follow(world, client, at, asked)


def _follow(world: World, client: Client, at: FleetAt, asked: Asked) -> None:
    progress = follow_orders(world, client, at, asked)
    put_reply(world, client, asked.fleet, asked.pull, body=render_reply(asked, progress.views))
    if progress.ended:
        world.people.close_asked(asked.source)


# -- the end of a pull request ----------------------------------------------------------------------------------


def look_at_pull_end(world: World, client: Client, look: CloseOutPull) -> None:
    """Its locks end with it. Merged: that was the approval. Closed: the nodes that were ahead for it return."""
    pull = people.read_pull_detail(client, look.fleet, look.number)
    if pull.state == "open":
        return  # reopened meanwhile
    key = f"end:{look.number}"
    locks = world.people.find_locks(look.fleet, now=world.now())
    end_locks(world, [lock for lock in locks if lock.pull == look.number], because="pull_request_ended", key=key)
    base = BranchName(pull.base.ref)
    try:
        at = _read_base(world, client, look.fleet, base)
    except NotAFleet:
        return
    pins = [pin for pin in world.memory.pins_of(at.repo) if pin.base == base]
    there = read_pull_facts(at, pull, pins)
    if pull.merged_at is not None:
        _record_approval(world, at, pull, there)
        return
    for pinned in pins:
        _restore_from(world, client, at, pinned, look)


def _record_approval(world: World, at: FleetAt, pull: PullDetail, there: PullFacts) -> None:
    if not there.pins:
        return
    marker = parse_marker(pull.body or "")
    record = Record(
        what=Audited.APPROVED,
        fleet=at.repo,
        at=pull.merged_at or iso_time(world.now()),
        actor=pull.merged_by.login if pull.merged_by else "",
        pull=there.number,
        commit=there.merge or "",
        pin=there.pin or "",
        plan=marker.id if marker else "",
    )
    world.people.record(f"approved:{at.repo.lower()}:{pull.number}", record)


def _restore_from(world: World, client: Client, at: FleetAt, pinned: Pinned, look: CloseOutPull) -> None:
    """Give the nodes that are ahead for a closed pull request back to their branch, without being asked."""
    nodes = tuple(read_node(world, client, at, node, submodule=pinned.submodule, locks=()) for node in at.file.nodes)
    ahead = tuple(node for node in nodes if node.ahead == look.number)
    to, way = base_position(at, pinned.submodule), make_way(at, pinned)
    if not ahead or to is None or way is None:
        return
    newest = max(order.number for node in ahead for order in node.past[:1])
    decision = GiveOrders(
        reason=CommandReason.RESTORED,
        kind=OrderKind.RESTORE,
        targets=tuple(Target(node=node.node.name, to=to) for node in ahead),
    )
    source = f"closed:{look.number}:{newest}"  # a try after a reopening is another one
    asked = world.people.find_asked(source)
    if asked is None:
        actor = Actor(login="the end of this pull request", permission=Permission.NONE)
        facts = CommandFacts(said=Command(verb=Verb.ROLLBACK), actor=actor, age=0, fleet=at.file, nodes=nodes)
        asked = compose_asked(
            facts,
            decision,
            source=source,
            fleet=at.repo,
            installation=look.installation,
            pull=look.number,
            base=at.base,
            at=int(world.now()),
            way=way,
        )
        world.people.keep_asked(asked, (record_of(asked),))
    _follow(world, client, at, asked)
