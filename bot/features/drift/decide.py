"""Whether to ask a node if it still runs what it was given, and what its last answer leads to. Pure.

A node is asked by a read-only order for the commit that it deployed last with success. The answer becomes one issue
per node and submodule, which is opened, kept up to date and closed again by the bot.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import StrEnum

from bot.domain.names import SubmodulePath
from bot.domain.values import Value
from bot.features.rollout.decide.orders import last_good
from bot.features.rollout.facts import PastOrder, Stage
from bot.fleetfile import Node
from bot.protocol.order import OrderKind
from bot.protocol.outcome import Difference

BUSY_PAUSE = 300  # seconds between two looks at a node with another order
MARKER = "drift:"  # what the marker of such an order begins with


class DriftReason(StrEnum):
    """Why a drift decision fell."""

    SWITCHED_OFF = "switched_off"
    NOTHING_DEPLOYED = "nothing_deployed"  # the bot never deployed to the node
    ON_TRIAL = "on_trial"  # it runs a pull request's head for now
    BUSY = "busy"  # it has another order
    ASKED = "asked"  # the question is under way
    NOT_DUE = "not_due"
    DUE = "due"


class IssueChange(StrEnum):
    """What happens to the node's issue."""

    OPEN = "open"
    UPDATE = "update"
    REOPEN = "reopen"
    CLOSE = "close"


class DriftIssue(Value, frozen=True):
    """The issue as it is. `fingerprint` is that of the differences which it shows."""

    number: int
    is_open: bool
    fingerprint: str


class DriftFacts(Value, frozen=True):
    """One node and one submodule. Times are in seconds (since the epoch)."""

    node: Node
    submodule: SubmodulePath
    every: int  # 0: never
    now: int
    past: tuple[PastOrder, ...]  # newest first
    on_base: bool  # what it deployed last is on the base branch
    answer: tuple[Difference, ...] | None  # of the newest question that was answered; None: there is none
    issue: DriftIssue | None


class Drift(Value, frozen=True, tag="drift"):
    """`marker` is set when the node is to be asked now; `issue` when its issue is to change."""

    reason: DriftReason
    marker: str = ""
    issue: IssueChange | None = None
    again_at: int | None = None


def decide_drift(facts: DriftFacts) -> Drift:
    """What to do now."""
    if not facts.every:
        return Drift(reason=DriftReason.SWITCHED_OFF, issue=IssueChange.CLOSE if _is_open(facts) else None)
    good = last_good(facts.past, facts.submodule)
    if good is None:
        return Drift(reason=DriftReason.NOTHING_DEPLOYED)
    issue = _decide_issue(facts)
    if not facts.on_base:
        return Drift(reason=DriftReason.ON_TRIAL, issue=issue)
    asked = find_question(facts.past, facts.submodule)
    if asked is not None and asked.stage.is_open:
        return Drift(reason=DriftReason.ASKED, issue=issue)
    if any(order.stage.is_open for order in facts.past):
        # At full pauses of the clock: whatever leads to this meanwhile comes to the same look, and not to one more.
        again_at = (facts.now // BUSY_PAUSE + 1) * BUSY_PAUSE
        return Drift(reason=DriftReason.BUSY, issue=issue, again_at=again_at)
    # One that could not be dispatched was never queued; with its own marker again it would not be sent again.
    begun = max(good.updated_at, (asked.queued_at or asked.updated_at) if asked else 0)
    due = begun + facts.every
    if _is_open(facts) and asked is not None and good.number > asked.number:
        due = good.updated_at  # what the issue says was before this deploy
    if due > facts.now:
        return Drift(reason=DriftReason.NOT_DUE, issue=issue, again_at=due)
    return Drift(reason=DriftReason.DUE, marker=f"{MARKER}{due}", issue=issue)


def find_question(past: Sequence[PastOrder], submodule: SubmodulePath) -> PastOrder | None:
    """The newest time that the node was asked."""
    return next((o for o in past if o.kind is OrderKind.DRIFT and o.submodule == submodule), None)


def find_answered(past: Sequence[PastOrder], submodule: SubmodulePath) -> PastOrder | None:
    """The newest question that was answered since the node's last good deploy; an older answer says nothing now."""
    good = last_good(past, submodule)
    asked = find_question(past, submodule)
    fits = asked is not None and asked.stage is Stage.SUCCEEDED and (good is None or asked.number > good.number)
    return asked if fits else None


def fingerprint_of(differences: Sequence[Difference]) -> str:
    """Sixteen hexadecimal digits that change with what is said; "" for nothing."""
    if not differences:
        return ""
    said = "\n".join(sorted(f"{one.kind} {one.where} {one.text}" for one in differences))
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _is_open(facts: DriftFacts) -> bool:
    return facts.issue is not None and facts.issue.is_open


def _decide_issue(facts: DriftFacts) -> IssueChange | None:
    if facts.answer is None:
        return None
    found, issue = fingerprint_of(facts.answer), facts.issue
    if not found:
        return IssueChange.CLOSE if _is_open(facts) else None
    if issue is None:
        return IssueChange.OPEN
    if issue.fingerprint == found:
        return None  # also when a person closed it: this much is known
    return IssueChange.UPDATE if issue.is_open else IssueChange.REOPEN
