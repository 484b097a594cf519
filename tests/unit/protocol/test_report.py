"""A node's report: written by the node, read by the bot, whatever stands in it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.names import CommitSha, NodeName, ServiceName, StackName
from bot.protocol.action import Action
from bot.protocol.order import OrderKind, RefusalReason
from bot.protocol.outcome import (
    Difference,
    DifferenceKind,
    OrderEnd,
    OrderStep,
    Outcome,
    ServiceOutcome,
    UnhealthyService,
)
from bot.protocol.report import MAX_TEXT_LENGTH, Report, check_name, parse_report, render_report
from tests.unit.protocol.test_order import make_order


def service(name: str, predicted: Action, actual: Action) -> ServiceOutcome:
    return ServiceOutcome(stack=StackName("ingress"), service=ServiceName(name), predicted=predicted, actual=actual)


def outcome(**changes: object) -> Outcome:
    made = Outcome(
        end=OrderEnd.SUCCESS,
        text="runs server@bbbbbbb: 1 recreated, 1 untouched",
        order=make_order(),
        commit=CommitSha("a" * 40),
        services=(
            service("traefik", Action.RECREATE, Action.RECREATE),
            service("whoami", Action.NONE, Action.NONE),
        ),
        steps=(OrderStep("fetch", 0.25), OrderStep("watch", 3.0)),
    )
    return msgspec.structs.replace(made, **changes)


def read(made: Outcome) -> Report:
    report = parse_report(render_report(make_order(), made).text, number=7)
    assert report is not None
    return report


def test_a_report_comes_back() -> None:
    report = read(outcome())
    assert (report.end, report.commit, report.seconds) == (OrderEnd.SUCCESS, "a" * 40, 3.25)
    assert [s.service for s in report.services] == ["traefik"]
    assert report.untouched == 1
    assert report.surprises == ()


def test_what_was_not_as_planned_is_told() -> None:
    wrong = service("whoami", Action.NONE, Action.RECREATE)
    assert read(outcome(services=(wrong,))).surprises == (wrong,)


@pytest.mark.parametrize(
    ("changes", "conclusion"),
    [
        ({}, "success"),
        ({"differences": (Difference(kind=DifferenceKind.MISSING, text="not running"),)}, "neutral"),
        ({"end": OrderEnd.ROLLED_BACK}, "failure"),
        ({"end": OrderEnd.REFUSED, "refusal": RefusalReason.WRONG_COMMIT}, "failure"),
    ],
)
def test_the_conclusion_is_what_a_person_sees_first(changes: dict[str, object], conclusion: str) -> None:
    check = render_report(make_order(), outcome(**changes))
    assert check.conclusion == conclusion
    assert check.external_id == "order:7"


def test_names_by_kind() -> None:
    node = NodeName("HP_LAB")
    assert {kind: check_name(kind, node) for kind in OrderKind} == {
        OrderKind.DEPLOY: "aios/deploy HP_LAB",
        OrderKind.ROLLBACK: "aios/deploy HP_LAB",
        OrderKind.RESTORE: "aios/deploy HP_LAB",
        OrderKind.PLAN_ONLY: "aios/plan-only HP_LAB",
        OrderKind.DRIFT: "aios/drift HP_LAB",
    }


@given(st.text(max_size=400), st.text(max_size=400))
def test_no_text_breaks_out_of_its_fence(text: str, log: str) -> None:
    unhealthy = (UnhealthyService(project="ingress", service=ServiceName("traefik"), text="exited", log=log),)
    check = render_report(make_order(), outcome(text=text, unhealthy=unhealthy))
    report = parse_report(check.text, number=7)
    assert report is not None
    assert report.text == text[:1000]
    marks = check.summary.split("text", 1)[0]
    assert set(marks) == {"`"}
    assert check.summary.count(marks) == 2


def test_a_node_of_thousands_of_services_still_fits() -> None:
    many = tuple(service(f"{'s' * 60}{i}", Action.NONE, Action.RECREATE) for i in range(5000))
    check = render_report(make_order(), outcome(services=many))
    assert max(len(check.text), len(check.summary)) <= MAX_TEXT_LENGTH
    assert 0 < len(read(outcome(services=many)).services) < 5000


def test_fields_of_a_newer_node_are_ignored() -> None:
    text = render_report(make_order(), outcome()).text
    newer = text.replace('{"version"', '{"mood":"good","version"').replace('{"stack"', '{"colour":1,"stack"')
    assert newer.count("mood") == newer.count("colour") == 1
    assert parse_report(newer, number=7) == parse_report(text, number=7)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "```json\n\n```",
        "```json\n[]\n```",
        '```json\n{"version": 1}\n```',
        "```json\n" + "[" * 20_000 + "\n```",
        "{}",
        '```json\n{"version":1,"number":7,"end":"invented","text":""}\n```',
    ],
)
def test_what_is_no_report_is_none(text: str) -> None:
    assert parse_report(text, number=7) is None


def test_a_report_of_another_order_is_none() -> None:
    assert parse_report(render_report(make_order(), outcome()).text, number=8) is None
