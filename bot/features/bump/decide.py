"""What to do about one submodule of one base branch. Pure: facts in, one tagged decision out, with its reason."""

from __future__ import annotations

from enum import StrEnum

from bot.domain.names import CommitSha, PullNumber
from bot.domain.values import Value
from bot.features.bump.facts import BumpFacts, Checks, Relation


class BumpReason(StrEnum):
    """Why a bump decision fell. Appears in logs, in what the bot says, and in tests."""

    UP_TO_DATE = "up_to_date"
    UPSTREAM_MOVED = "upstream_moved"
    BASE_MOVED = "base_moved"  # the base's pin changed under the open pull request
    ALREADY_PROPOSED = "already_proposed"
    NOT_A_DESCENDANT = "not_a_descendant"
    BRANCH_MISSING = "branch_missing"  # upstream has no such branch
    PEOPLE_ON_BRANCH = "people_on_branch"
    CHECKS_PENDING = "checks_pending"
    CHECKS_FAILED = "checks_failed"
    ON_HOLD = "on_hold"  # a person said /hold
    SETTLED = "settled"  # a person closed or undid exactly this bump; it is proposed again when upstream moves


class Settle(Value, frozen=True, tag="settle"):
    """Nothing to propose. What is left of an earlier proposal is closed when `close` names it."""

    reason: BumpReason
    close: PullNumber | None = None
    delete_branch: bool = False


class Hold(Value, frozen=True, tag="hold"):
    """Something is there to propose, but not now, or not by the bot; say so where a person will see it."""

    reason: BumpReason


class Propose(Value, frozen=True, tag="propose"):
    """Keep one pull request that moves the pin to `pin`; `commit` asks for a new commit on the branch."""

    reason: BumpReason
    pin: CommitSha
    commit: bool


BumpDecision = Settle | Hold | Propose


def decide_bump(facts: BumpFacts) -> BumpDecision:
    """The one thing to do now about this bump."""
    if facts.branch is not None and facts.branch.people and facts.relation is not Relation.SAME:
        return Hold(reason=BumpReason.PEOPLE_ON_BRANCH)
    match facts.relation:
        case Relation.TIP_UNKNOWN:
            return Hold(reason=BumpReason.BRANCH_MISSING)
        case Relation.DIVERGED | Relation.PIN_UNKNOWN:
            return Hold(reason=BumpReason.NOT_A_DESCENDANT)
        case Relation.SAME | Relation.BEHIND:
            return _settle(facts)
        case Relation.AHEAD:
            return _propose(facts)


def _settle(facts: BumpFacts) -> Settle:
    ours = facts.branch is not None and not facts.branch.people
    return Settle(reason=BumpReason.UP_TO_DATE, close=facts.pull.number if facts.pull else None, delete_branch=ours)


def _propose(facts: BumpFacts) -> BumpDecision:
    if facts.tip is None:
        return Hold(reason=BumpReason.BRANCH_MISSING)
    if facts.pull is None and facts.tip in facts.settled:
        return Settle(reason=BumpReason.SETTLED)
    if facts.held is not None:
        return Hold(reason=BumpReason.ON_HOLD)
    if facts.checks is Checks.PENDING:
        return Hold(reason=BumpReason.CHECKS_PENDING)
    if facts.checks is Checks.RED:
        return Hold(reason=BumpReason.CHECKS_FAILED)
    branch = facts.branch
    if branch is None or branch.pin != facts.tip:
        return Propose(reason=BumpReason.UPSTREAM_MOVED, pin=facts.tip, commit=True)
    if branch.pin_at_fork != facts.pin:
        return Propose(reason=BumpReason.BASE_MOVED, pin=facts.tip, commit=True)
    return Propose(reason=BumpReason.ALREADY_PROPOSED, pin=facts.tip, commit=False)
