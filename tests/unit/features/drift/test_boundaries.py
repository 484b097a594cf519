"""Drift checks at the edge of each condition, in full; and what the issue says of one, a hundred and more things."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from bot.domain.names import NodeName, SubmodulePath
from bot.features.drift.decide import (
    Drift,
    DriftIssue,
    DriftReason,
    IssueChange,
    find_answered,
    find_question,
    fingerprint_of,
)
from bot.features.drift.text import MOST_ROWS, DriftMarker, parse_drift_marker, render_drift, render_settled
from bot.features.rollout.facts import PastOrder, Stage
from bot.protocol.order import OrderKind
from bot.protocol.outcome import Difference, DifferenceKind
from tests.unit.features.drift.test_decide import DAY, GOOD, MISSING, NOW, SHOWN, asked, decide
from tests.unit.features.rollout.test_orders import SERVER, past

OTHER = SubmodulePath("tools")
EDITED = Difference(kind=DifferenceKind.EDITED, text=".env was changed by hand")
STALE = msgspec.structs.replace(SHOWN, fingerprint="0" * 16)
CLOSED = msgspec.structs.replace(SHOWN, is_open=False)
DUE = GOOD.updated_at + DAY


@pytest.mark.parametrize(
    ("orders", "changes", "decision"),
    [
        ((GOOD,), {"every": 0, "issue": SHOWN}, Drift(reason=DriftReason.SWITCHED_OFF, issue=IssueChange.CLOSE)),
        ((GOOD,), {"every": 0, "issue": CLOSED}, Drift(reason=DriftReason.SWITCHED_OFF)),
        ((), {"answer": MISSING}, Drift(reason=DriftReason.NOTHING_DEPLOYED)),
        (
            (GOOD,),
            {"on_base": False, "answer": MISSING},
            Drift(reason=DriftReason.ON_TRIAL, issue=IssueChange.OPEN),
        ),
        (
            (asked(Stage.RUNNING), GOOD),
            {"answer": (), "issue": SHOWN},
            Drift(reason=DriftReason.ASKED, issue=IssueChange.CLOSE),
        ),
        (
            (past(9, Stage.QUEUED), GOOD),
            {"answer": MISSING, "issue": STALE},
            Drift(reason=DriftReason.BUSY, issue=IssueChange.UPDATE, again_at=1_000_200),
        ),
        ((past(9, Stage.QUEUED), GOOD), {"now": 1_000_199}, Drift(reason=DriftReason.BUSY, again_at=1_000_200)),
        ((past(9, Stage.QUEUED), GOOD), {"now": 1_000_200}, Drift(reason=DriftReason.BUSY, again_at=1_000_500)),
        ((GOOD,), {"now": DUE - 1}, Drift(reason=DriftReason.NOT_DUE, again_at=DUE)),
        ((GOOD,), {"now": DUE}, Drift(reason=DriftReason.DUE, marker=f"drift:{DUE}")),
        (
            (GOOD,),
            {"now": DUE, "answer": MISSING, "issue": msgspec.structs.replace(STALE, is_open=False)},
            Drift(reason=DriftReason.DUE, marker=f"drift:{DUE}", issue=IssueChange.REOPEN),
        ),
        (
            (asked(Stage.SUCCEEDED, queued_at=NOW - 9), GOOD),
            {"answer": MISSING},
            Drift(reason=DriftReason.NOT_DUE, issue=IssueChange.OPEN, again_at=NOW - 9 + DAY),
        ),
    ],
)
def test_every_field_of_a_decision(
    orders: tuple[PastOrder, ...], changes: dict[str, object], decision: Drift
) -> None:
    assert decide(*orders, **changes) == decision


def test_a_node_is_due_so_long_after_what_came_last() -> None:
    """Its last good deploy or the last question: by its dispatch, or by its end if it never was dispatched."""
    deploy = past(3, Stage.SUCCEEDED, updated_at=NOW - 50)
    question = asked(Stage.SUCCEEDED, queued_at=NOW - 80, updated_at=NOW - 70)
    assert decide(question, deploy).again_at == NOW - 50 + DAY
    assert decide(msgspec.structs.replace(question, queued_at=NOW - 20), deploy).again_at == NOW - 20 + DAY
    assert decide(msgspec.structs.replace(question, queued_at=0), deploy).again_at == NOW - 50 + DAY
    assert (
        decide(msgspec.structs.replace(question, queued_at=0, updated_at=NOW - 7), deploy).again_at == NOW - 7 + DAY
    )
    assert decide(past(3, Stage.SUCCEEDED)).marker == f"drift:{DAY}", "a deploy at a time that nobody knows"


def test_only_an_open_issue_is_looked_into_at_once_after_a_deploy() -> None:
    deployed = past(9, Stage.SUCCEEDED, updated_at=NOW - 2)
    question = asked(Stage.SUCCEEDED)
    assert decide(deployed, question, issue=SHOWN) == Drift(reason=DriftReason.DUE, marker=f"drift:{NOW - 2}")
    for issue in (None, CLOSED):
        assert decide(deployed, question, issue=issue) == Drift(reason=DriftReason.NOT_DUE, again_at=NOW - 2 + DAY)
    # A question that came after the deploy is the newest word; without one there is nothing to look into again.
    assert decide(question, GOOD, issue=SHOWN).reason is DriftReason.NOT_DUE
    assert decide(deployed, issue=SHOWN).reason is DriftReason.NOT_DUE


def test_the_newest_question_is_of_this_submodule() -> None:
    question = asked(Stage.SUCCEEDED)
    elsewhere = past(8, Stage.SUCCEEDED, kind=OrderKind.DRIFT, submodule=OTHER)
    plan_only = past(7, Stage.SUCCEEDED, kind=OrderKind.PLAN_ONLY)
    orders = (elsewhere, plan_only, past(6, Stage.SUCCEEDED), question, GOOD)
    assert find_question(orders, SERVER) == question
    assert find_question(orders[:3], SERVER) is None


@pytest.mark.parametrize(
    ("orders", "answered"),
    [
        ((asked(Stage.SUCCEEDED), GOOD), True),
        ((asked(Stage.SUCCEEDED),), True),
        ((asked(Stage.FAILED), GOOD), False),
        ((past(5, Stage.SUCCEEDED), asked(Stage.SUCCEEDED)), False),
        ((past(5, Stage.FAILED), asked(Stage.SUCCEEDED)), True),
        ((GOOD,), False),
    ],
)
def test_an_answer_counts_when_it_is_newer_than_the_last_good_deploy(
    orders: tuple[PastOrder, ...], answered: bool
) -> None:
    assert find_answered(orders, SERVER) == (asked(Stage.SUCCEEDED) if answered else None)


def test_a_fingerprint_stays_what_it_is_in_issues_that_are_open() -> None:
    said = "edited the node .env was changed by hand\nmissing ingress/traefik has no container"
    assert fingerprint_of((*MISSING, EDITED)) == hashlib.sha256(said.encode()).hexdigest()[:16]
    # The kind, the place and the text all count.
    variants = [
        msgspec.structs.replace(MISSING[0], **change)
        for change in ({}, {"kind": DifferenceKind.EXTRA}, {"service": "vault"}, {"stack": "x"}, {"text": "x"})
    ]
    assert len({fingerprint_of([one]) for one in variants}) == len(variants)


@pytest.mark.parametrize(
    ("issue", "change"),
    [
        (DriftIssue(number=8, is_open=True, fingerprint=""), IssueChange.UPDATE),
        (DriftIssue(number=8, is_open=False, fingerprint="0"), IssueChange.REOPEN),
    ],
)
def test_an_issue_that_says_something_else_is_brought_up_to_date(issue: DriftIssue, change: IssueChange) -> None:
    assert decide(asked(Stage.SUCCEEDED), GOOD, answer=MISSING, issue=issue).issue is change


@pytest.mark.parametrize(
    ("count", "title", "more"),
    [
        (1, "1 difference", ""),
        (2, "2 differences", ""),
        (MOST_ROWS, "100 differences", ""),
        (MOST_ROWS + 1, "101 differences", "and 1 more"),
        (MOST_ROWS + 20, "120 differences", "and 20 more"),
    ],
)
def test_the_issue_names_a_hundred_things_at_most(count: int, title: str, more: str) -> None:
    differences = [Difference(kind=DifferenceKind.EXTRA, text=f"thing {n} is there") for n in range(count)]
    text = render_drift(NodeName("A"), SERVER, differences, past(4, Stage.SUCCEEDED), pull=None, prefix="/")
    assert text.title == f"A has drifted: {title}"
    assert text.body.count(" is there |") == min(count, MOST_ROWS)
    assert [line for line in text.body.splitlines() if line.endswith(" more")] == ([more] if more else [])
    assert parse_drift_marker(text.body) == DriftMarker("A", "server", fingerprint_of(differences))


def test_the_marker_is_found_anywhere_in_the_body_and_is_not_half_read() -> None:
    settled = render_settled(NodeName("A"), SERVER)
    assert parse_drift_marker(f"x\n{settled}\ny") == DriftMarker("A", "server", "")
    assert parse_drift_marker(settled.replace(" -->", " - ->")) is None
    assert parse_drift_marker(settled.replace("A server", "A")) is None
