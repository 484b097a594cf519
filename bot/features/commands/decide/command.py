"""What to do about a command. Pure: facts in, one tagged decision out, with its reason.

The gates stand in one order, and the first that is shut gives the reason: recent, allowed, understood, names
known, then what each command asks for. They are the same for a comment, a button and a retry.
"""

from __future__ import annotations

from collections.abc import Callable

from bot.domain.verbs import Verb
from bot.domain.verdicts import Permission
from bot.features.commands.decide.actions import (
    Answer,
    Decision,
    GiveLocksBack,
    HoldBumps,
    MakePlan,
    Refuse,
    ResumeBumps,
    TakeLocks,
)
from bot.features.commands.decide.deploy import (
    decide_deploy,
    decide_retry,
    decide_rollback,
    refuse_barred,
    refuse_locked,
    refuse_pins,
)
from bot.features.commands.decide.reasons import CommandReason
from bot.features.commands.decide.targets import Targets, read_targets
from bot.features.commands.facts.command import CommandFacts, PullFacts, PullState
from bot.features.commands.grammar import Command, Misread

MAX_COMMAND_AGE = 3600.0  # seconds; an older command was written about a situation that is gone


def decide_command(facts: CommandFacts) -> Decision:
    """The one thing to do about this command."""
    refusal = refuse_person(facts)
    if refusal is not None:
        return refusal
    said = facts.command
    if isinstance(said, Misread):
        return Refuse(reason=CommandReason.MISREAD, about=(said.word,) if said.word else ())
    if said.verb is Verb.HELP:
        return Answer(reason=CommandReason.HELP)
    if facts.fleet is None:
        reason = CommandReason.FLEET_FILE_BROKEN if facts.fleet_problem else CommandReason.NOT_A_FLEET
        return Refuse(reason=reason)
    if facts.pull is None:
        return Refuse(reason=CommandReason.PULL_UNKNOWN)
    if said.verb is Verb.STATUS:
        return Answer(reason=CommandReason.STATUS)
    targets = read_targets(facts, said)
    return targets if isinstance(targets, Refuse) else _DECIDE[said.verb](facts, said, facts.pull, targets)


def refuse_person(facts: CommandFacts) -> Refuse | None:
    """The gates before anything else is looked at: is it recent, and may this person say it at all?"""
    said, actor, fleet = facts.command, facts.actor, facts.fleet
    if facts.too_many:
        return Refuse(reason=CommandReason.TOO_MANY)
    if facts.in_review:
        return Refuse(reason=CommandReason.IN_REVIEW)
    if facts.age > MAX_COMMAND_AGE:
        return Refuse(reason=CommandReason.TOO_OLD)
    if actor.permission is Permission.UNKNOWN:
        return Refuse(reason=CommandReason.PERMISSION_UNKNOWN)
    if fleet is None:
        return None if actor.permission.reaches(Permission.WRITE) else Refuse(reason=CommandReason.NOT_ALLOWED)
    verb = Verb.HELP if isinstance(said, Misread) else said.verb
    if not actor.is_any_of(fleet.commands.who_may(verb)):
        return Refuse(reason=CommandReason.NOT_ALLOWED)
    wants_override = isinstance(said, Command) and bool(said.override_reason)
    if wants_override and not actor.is_any_of(fleet.commands.break_glass):
        return Refuse(reason=CommandReason.BREAK_GLASS_NOT_ALLOWED)
    return None


def _plan(_facts: CommandFacts, _said: Command, pull: PullFacts, targets: Targets) -> Decision:
    if pull.state is not PullState.OPEN:
        return Refuse(reason=CommandReason.PULL_ENDED)
    if pull.from_fork:
        return Refuse(reason=CommandReason.FROM_FORK)
    names = tuple(node.node.name for node in targets.nodes) if targets.named else ()
    return refuse_pins(pull) or MakePlan(reason=CommandReason.PLANNED, nodes=names)


def _lock(facts: CommandFacts, _said: Command, pull: PullFacts, targets: Targets) -> Decision:
    if pull.state is not PullState.OPEN:
        return Refuse(reason=CommandReason.PULL_ENDED)
    shut = refuse_barred(facts, targets.nodes) or refuse_locked(facts, targets.nodes)
    names = tuple(node.node.name for node in targets.nodes)
    return shut or TakeLocks(reason=CommandReason.LOCK_TAKEN, nodes=names, text=targets.text)


def _unlock(facts: CommandFacts, said: Command, pull: PullFacts, targets: Targets) -> Decision:
    locks = tuple(n.lock for n in targets.nodes if n.lock and (targets.named or n.lock.pull == pull.number))
    if not locks:
        return Refuse(reason=CommandReason.NOT_LOCKED)
    actor = facts.actor
    if not (actor.permission.reaches(Permission.ADMIN) or said.override_reason):
        others = tuple(lock.node for lock in locks if lock.owner.lower() != actor.login.lower())
        if others:
            return Refuse(reason=CommandReason.NOT_YOUR_LOCK, about=others)
    names = tuple(lock.node for lock in locks)
    return GiveLocksBack(reason=CommandReason.UNLOCKED, nodes=names, override_reason=said.override_reason)


def _hold(facts: CommandFacts, said: Command, pull: PullFacts, _targets: Targets) -> Decision:
    if facts.hold is not None:
        return Refuse(reason=CommandReason.ALREADY_HELD, about=(facts.hold.by,))
    return refuse_pins(pull) or HoldBumps(reason=CommandReason.HELD, text=said.text)


def _resume(facts: CommandFacts, _said: Command, pull: PullFacts, _targets: Targets) -> Decision:
    wrong = refuse_pins(pull)
    if wrong is not None:
        return wrong
    if facts.hold is None and not facts.rolled_back:
        return Refuse(reason=CommandReason.NOT_HELD)
    return ResumeBumps(reason=CommandReason.RESUMED)


_DECIDE: dict[Verb, Callable[[CommandFacts, Command, PullFacts, Targets], Decision]] = {
    Verb.PLAN: _plan,
    Verb.DEPLOY: decide_deploy,
    Verb.ROLLBACK: decide_rollback,
    Verb.RETRY: decide_retry,
    Verb.LOCK: _lock,
    Verb.UNLOCK: _unlock,
    Verb.HOLD: _hold,
    Verb.RESUME: _resume,
}
