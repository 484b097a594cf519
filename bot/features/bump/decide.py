"""Decide what to do about one submodule of one base branch."""

from __future__ import annotations

from enum import StrEnum

from bot.domain.names import CommitSha, PullNumber
from bot.domain.values import Value
from bot.features.bump.facts import BumpFacts, Checks, Relation


class BumpReason(StrEnum):
    """Why a bump was decided as it was. Appears in logs, metrics and notes."""

    UP_TO_DATE = "up_to_date"
    UPSTREAM_MOVED = "upstream_moved"
    BASE_MOVED = "base_moved"  # the base's pin changed under the open pull request
    ALREADY_PROPOSED = "already_proposed"
    NOT_A_DESCENDANT = "not_a_descendant"
    UPSTREAM_BEHIND = "upstream_behind"  # upstream's branch was taken back to before the pin
    BRANCH_MISSING = "branch_missing"  # upstream has no such branch
    PEOPLE_ON_BRANCH = "people_on_branch"
    CHECKS_PENDING = "checks_pending"
    CHECKS_FAILED = "checks_failed"
    RETARGETED = "retargeted"  # somebody changed the base of the pull request
    ON_HOLD = "on_hold"  # somebody wrote /hold
    DISMISSED = "settled"  # somebody closed or undid exactly this bump; it is proposed again when upstream moves


class CloseBump(Value, frozen=True, tag="settle"):
    """Nothing to propose. `close` names an earlier proposal that is no longer needed."""

    reason: BumpReason
    close: PullNumber | None = None
    delete_branch: bool = False


class WithholdBump(Value, frozen=True, tag="hold"):
    """There is something to propose, but not now, or not by the bot: explain why."""

    reason: BumpReason


class ProposeBump(Value, frozen=True, tag="propose"):
    """Keep one pull request that moves the pin to `pin`; `commit` asks for a new commit on the branch."""

    reason: BumpReason
    pin: CommitSha
    commit: bool


BumpDecision = CloseBump | WithholdBump | ProposeBump


def decide_bump(facts: BumpFacts) -> BumpDecision:
    """The one thing to do about this bump now."""
    if facts.branch is not None and facts.branch.people and facts.relation is not Relation.SAME:
        return WithholdBump(reason=BumpReason.PEOPLE_ON_BRANCH)
    match facts.relation:
        case Relation.TIP_UNKNOWN:
            return WithholdBump(reason=BumpReason.BRANCH_MISSING)
        case Relation.DIVERGED | Relation.PIN_UNKNOWN if facts.pull is not None and facts.held is None:
            # What it proposes is no longer what upstream has: nobody should merge it.
            return _close(facts, BumpReason.NOT_A_DESCENDANT)
        case Relation.DIVERGED | Relation.PIN_UNKNOWN:
            return WithholdBump(reason=BumpReason.NOT_A_DESCENDANT)
        case Relation.SAME:
            return _close(facts, BumpReason.UP_TO_DATE)
        case Relation.BEHIND:
            return _close(facts, BumpReason.UPSTREAM_BEHIND)
        case Relation.AHEAD:
            return _propose(facts)


def _close(facts: BumpFacts, reason: BumpReason) -> CloseBump:
    ours = facts.branch is not None and not facts.branch.people and facts.retargeted is None
    return CloseBump(reason=reason, close=facts.pull.number if facts.pull else None, delete_branch=ours)


def _propose(facts: BumpFacts) -> BumpDecision:
    if facts.tip is None:
        return WithholdBump(reason=BumpReason.BRANCH_MISSING)
    if facts.pull is None and facts.retargeted is not None:
        return WithholdBump(reason=BumpReason.RETARGETED)  # a second one from the same branch would confuse both
    if facts.pull is None and facts.tip in facts.dismissed_pins:
        return CloseBump(reason=BumpReason.DISMISSED)
    if facts.held is not None:
        return WithholdBump(reason=BumpReason.ON_HOLD)
    if facts.checks is Checks.PENDING:
        return WithholdBump(reason=BumpReason.CHECKS_PENDING)
    if facts.checks is Checks.RED:
        return WithholdBump(reason=BumpReason.CHECKS_FAILED)
    branch = facts.branch
    if branch is None or branch.pin != facts.tip:
        return ProposeBump(reason=BumpReason.UPSTREAM_MOVED, pin=facts.tip, commit=True)
    if branch.pin_at_fork != facts.pin:
        return ProposeBump(reason=BumpReason.BASE_MOVED, pin=facts.tip, commit=True)
    return ProposeBump(reason=BumpReason.ALREADY_PROPOSED, pin=facts.tip, commit=False)
