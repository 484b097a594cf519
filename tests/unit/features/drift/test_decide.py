"""When a node is asked whether it runs what it was given, and what becomes of its issue."""

from __future__ import annotations

import msgspec
import pytest

from bot.domain.names import NodeName, PullNumber
from bot.features.drift.decide import (
    BUSY_PAUSE,
    Drift,
    DriftFacts,
    DriftIssue,
    DriftReason,
    IssueChange,
    decide_drift,
    find_answered,
    fingerprint_of,
)
from bot.features.drift.text import parse_drift_marker, render_drift, render_settled
from bot.features.rollout.facts import PastOrder, Stage
from bot.fleetfile import Node
from bot.protocol.order import OrderKind
from bot.protocol.outcome import Difference, DifferenceKind
from tests.unit.features.rollout.test_orders import SERVER, past

NOW, DAY = 1_000_000, 86_400
GOOD = past(3, Stage.SUCCEEDED, updated_at=NOW - DAY - 5)
MISSING = (Difference(kind=DifferenceKind.MISSING, text="has no container", stack="ingress", service="traefik"),)
SHOWN = DriftIssue(number=8, is_open=True, fingerprint=fingerprint_of(MISSING))


def asked(stage: Stage, **changes: object) -> PastOrder:
    return past(4, stage, **({"kind": OrderKind.DRIFT, "queued_at": NOW - 100} | changes))


def decide(*orders: PastOrder, **changes: object) -> Drift:
    facts = DriftFacts(
        node=Node(name=NodeName("A")),
        submodule=SERVER,
        every=DAY,
        now=NOW,
        past=orders,
        on_base=True,
        answer=None,
        issue=None,
    )
    return decide_drift(msgspec.structs.replace(facts, **changes))


def test_a_node_is_asked_when_its_time_has_come() -> None:
    due = decide(GOOD)
    assert (due.reason, due.marker) == (DriftReason.DUE, f"drift:{NOW - 5}")
    later = decide(past(3, Stage.SUCCEEDED, updated_at=NOW - 10))
    assert (later.reason, later.marker, later.again_at) == (DriftReason.NOT_DUE, "", NOW - 10 + DAY)
    again = decide(asked(Stage.SUCCEEDED), GOOD)
    assert (again.reason, again.again_at) == (DriftReason.NOT_DUE, NOW - 100 + DAY)


def test_a_question_that_nobody_answered_is_asked_anew() -> None:
    lost = decide(asked(Stage.ABANDONED, queued_at=NOW - DAY), GOOD)
    assert (lost.reason, lost.marker) == (DriftReason.DUE, f"drift:{NOW}")
    never_dispatched = decide(asked(Stage.FAILED, queued_at=0, updated_at=NOW - 7), GOOD)
    assert (never_dispatched.reason, never_dispatched.again_at) == (DriftReason.NOT_DUE, NOW - 7 + DAY)


@pytest.mark.parametrize(
    ("orders", "changes", "reason"),
    [
        ((), {}, DriftReason.NOTHING_DEPLOYED),
        ((past(3, Stage.FAILED),), {}, DriftReason.NOTHING_DEPLOYED),
        ((GOOD,), {"every": 0}, DriftReason.SWITCHED_OFF),
        ((GOOD,), {"on_base": False}, DriftReason.ON_TRIAL),
        ((past(9, Stage.RUNNING), GOOD), {}, DriftReason.BUSY),
        ((past(9, Stage.QUEUED), GOOD), {}, DriftReason.BUSY),
        ((asked(Stage.QUEUED), GOOD), {}, DriftReason.ASKED),
    ],
)
def test_nobody_is_asked_in_vain(
    orders: tuple[PastOrder, ...], changes: dict[str, object], reason: DriftReason
) -> None:
    decision = decide(*orders, **changes)
    assert (decision.reason, decision.marker) == (reason, "")


def test_looks_at_a_busy_node_do_not_pile_up() -> None:
    times = {decide(past(9, Stage.RUNNING), GOOD, now=NOW + seconds).again_at for seconds in range(BUSY_PAUSE)}
    assert len(times) == 2
    assert all(at is not None and at > NOW for at in times)


@pytest.mark.parametrize(
    ("answer", "issue", "change"),
    [
        (None, None, None),
        (None, SHOWN, None),
        ((), None, None),
        ((), SHOWN, IssueChange.CLOSE),
        ((), msgspec.structs.replace(SHOWN, is_open=False), None),
        (MISSING, None, IssueChange.OPEN),
        (MISSING, SHOWN, None),
        (MISSING, msgspec.structs.replace(SHOWN, is_open=False), None),  # a person closed it: they know
        (MISSING, msgspec.structs.replace(SHOWN, fingerprint="0" * 16), IssueChange.UPDATE),
        (MISSING, DriftIssue(number=8, is_open=False, fingerprint=""), IssueChange.REOPEN),
    ],
)
def test_one_issue_opens_follows_and_closes_itself(
    answer: tuple[Difference, ...] | None, issue: DriftIssue | None, change: IssueChange | None
) -> None:
    assert decide(asked(Stage.SUCCEEDED), GOOD, answer=answer, issue=issue).issue is change


def test_a_fleet_that_switches_it_off_has_no_open_issue() -> None:
    assert decide(GOOD, every=0, issue=SHOWN).issue is IssueChange.CLOSE


def test_after_a_deploy_an_open_issue_is_looked_into_at_once() -> None:
    deployed = past(9, Stage.SUCCEEDED, updated_at=NOW)
    assert find_answered((deployed, asked(Stage.SUCCEEDED), GOOD), SERVER) is None
    decision = decide(deployed, asked(Stage.SUCCEEDED), GOOD, issue=SHOWN)
    assert decision.reason is DriftReason.DUE


def test_the_issue_is_found_again_by_what_it_says() -> None:
    order = past(4, Stage.SUCCEEDED, log_url="https://github.example/a/b/actions/runs/1")
    hostile = Difference(kind=DifferenceKind.EDITED, text="@everyone <!-- aios-bot:drift B server  --> | x")
    text = render_drift(NodeName("A"), SERVER, (*MISSING, hostile), order, pull=None, prefix="/")
    marker = parse_drift_marker(text.body)
    assert marker == ("A", "server", fingerprint_of((*MISSING, hostile)))
    assert "2 differences" in text.title
    assert "@everyone" not in text.body
    settled = parse_drift_marker(render_settled(NodeName("A"), SERVER))
    assert settled == ("A", "server", "")
    assert parse_drift_marker("") is None


@pytest.mark.parametrize(
    ("pull", "prefix", "cure"),
    [
        (PullNumber(12), "/", "comment <code>/deploy A</code> on #12"),
        (PullNumber(12), "/aios", "comment <code>/aios deploy A</code> on #12"),
        (None, "/", "comment <code>/deploy A</code> on the pull request whose merge it runs"),
    ],
)
def test_the_issue_says_what_restores_the_node(pull: PullNumber | None, prefix: str, cure: str) -> None:
    text = render_drift(NodeName("A"), SERVER, MISSING, past(4, Stage.SUCCEEDED), pull=pull, prefix=prefix)
    assert cure in text.body


def test_the_same_differences_in_another_order_are_the_same() -> None:
    other = Difference(kind=DifferenceKind.MOVED, text="x")
    assert fingerprint_of((*MISSING, other)) == fingerprint_of((other, *MISSING))
    assert fingerprint_of(()) == ""
