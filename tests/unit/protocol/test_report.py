"""A node's report: written by the node, read by the bot, whatever stands in it."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.names import CommitSha, DeploymentId, NodeName, ServiceName, StackName
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
    render_description,
    render_outcome,
)
from bot.protocol.report import (
    MAX_SERVICES,
    MAX_TEXT_LENGTH,
    CheckRunText,
    Report,
    check_name,
    parse_report,
    read_words,
    render_report,
)
from tests.stored_values import values_of
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


@given(values_of(Outcome), st.integers(1, 2**40))
def test_every_field_of_a_report_comes_back(made: Outcome, number: int) -> None:
    order = make_order(number=DeploymentId(number))
    changed = tuple(one for one in made.services if one.predicted is not Action.NONE or not one.as_predicted)
    assert parse_report(render_report(order, made).text, number=number) == Report(
        version=1,
        number=number,
        end=made.end,
        text=made.text,
        refusal=made.refusal,
        commit=made.commit,
        pin=made.pin,
        services=changed,
        untouched=len(made.services) - len(changed),
        differences=made.differences,
        seconds=round(sum(step.seconds for step in made.steps), 3),
        engine=made.engine,
        compose=made.compose,
        understands=("agent", "follows", "if_same", "tree", "watch"),
        agent=made.agent,
        space=made.space,
    )


def test_a_report_is_this_check_run() -> None:
    made = outcome(end=OrderEnd.REFUSED, text="x" * 1001, refusal=RefusalReason.DRIFTED, services=(), steps=())
    assert render_report(make_order(), made) == CheckRunText(
        name="aios/deploy HP_LAB",
        external_id="order:7",
        conclusion="failure",
        title=render_description(made),
        summary=f"```text\n{render_outcome(made)}\n```",
        text="<details><summary>The same for aios-bot, as JSON</summary>\n\n"
        '```json\n{"version":1,"number":7,"end":"refused","text":"' + "x" * 1000 + '","refusal":"drifted",'
        '"commit":"' + "a" * 40 + '","seconds":0,"understands":["agent","follows","if_same","tree","watch"]}\n'
        "```\n\n</details>",
    )


def test_seconds_are_rounded_to_thousandths() -> None:
    assert read(outcome(steps=(OrderStep("a", 0.12345), OrderStep("b", 1.0)))).seconds == 1.123


def test_a_summary_that_does_not_fit_ends_after_a_whole_line() -> None:
    def summary(length: int, fence: str = "") -> str:
        """Of a text of so many characters, whose last line holds a blank and whose last but one is short."""
        end = f"{fence}\nlast but one\nthe last"
        lead = len(render_outcome(outcome(text=end, services=(), steps=())))
        text = "x" * (length - lead) + end
        return render_report(make_order(), outcome(text=text, services=(), steps=())).summary

    room = MAX_TEXT_LENGTH - 2 * len("```") - 20
    assert summary(room).endswith("x\nlast but one\nthe last\n```")
    assert len(summary(room)) == room + len("```text\n\n```")
    assert summary(room + 1).endswith("x\nlast but one\n…\n```")
    longer = MAX_TEXT_LENGTH - 2 * len("````````") - 20
    assert summary(longer, "`````").endswith("x`````\nlast but one\nthe last\n````````")
    assert summary(longer + 1, "`````").endswith("x`````\nlast but one\n…\n````````")


def test_a_report_that_does_not_fit_is_halved_until_it_does() -> None:
    many = tuple(service(f"{'s' * 60}{i}", Action.NONE, Action.RECREATE) for i in range(1500))
    several = tuple(Difference(kind=DifferenceKind.EXTRA, text=f"{i}") for i in range(9))
    report = read(outcome(services=many, differences=several))
    assert report.services == many[:375]
    assert report.differences == several[:2]
    assert report.untouched == 0


def test_a_report_of_the_greatest_length_is_whole() -> None:
    services = tuple(service(f"{'s' * 60}{i}", Action.NONE, Action.RECREATE) for i in range(478))
    bare = len(render_report(make_order(), outcome(services=services, text="")).text)
    assert MAX_TEXT_LENGTH - 1000 < bare < MAX_TEXT_LENGTH, "the text fills the rest"
    fitting = "x" * (MAX_TEXT_LENGTH - bare)
    assert len(render_report(make_order(), outcome(services=services, text=fitting)).text) == MAX_TEXT_LENGTH
    assert read(outcome(services=services, text=fitting)).services == services
    assert read(outcome(services=services, text=fitting + "x")).services == services[:239]


def test_a_report_of_more_services_than_a_node_has_is_none() -> None:
    def text(services: int, differences: int) -> str:
        one = {"stack": "s", "service": "s", "predicted": "none", "actual": "none"}
        other = {"kind": "extra", "text": ""}
        body = {"version": 1, "number": 7, "end": "success", "text": ""}
        found = body | {"services": [one] * services, "differences": [other] * differences}
        return f"```json\n{json.dumps(found, separators=(',', ':'))}\n```"

    assert MAX_SERVICES == 2000
    assert parse_report(text(0, 1500), number=7) is not None
    assert parse_report(text(0, 1501), number=7) is not None
    assert parse_report(text(1, 1999)[: MAX_TEXT_LENGTH + 1000], number=7) is not None
    assert parse_report(text(1, 2000), number=7) is None
    assert parse_report(text(0, 2001), number=7) is None


def test_a_report_is_looked_for_in_what_a_check_run_may_hold() -> None:
    block = render_report(make_order(), outcome()).text.removesuffix("\n\n</details>")
    room = MAX_TEXT_LENGTH + 1000 - len(block)
    assert parse_report("x" * room + block, number=7) == read(outcome())
    assert parse_report("x" * (room + 1) + block, number=7) is None


def test_a_check_run_of_a_report_has_room_to_spare() -> None:
    assert MAX_TEXT_LENGTH == 65_000, "GitHub takes 65,535 characters"


def test_the_fence_is_longer_than_any_in_the_text() -> None:
    summary = render_report(make_order(), outcome(text="```` and ``")).summary
    assert summary.split("text\n", 1)[0] == "`" * 7


def test_what_was_not_as_planned_is_told() -> None:
    wrong = service("whoami", Action.NONE, Action.RECREATE)
    assert read(outcome(services=(wrong,))).surprises == (wrong,)


@pytest.mark.parametrize(
    ("changes", "conclusion"),
    [
        ({}, "success"),
        ({"differences": (Difference(kind=DifferenceKind.MISSING, text="not running"),)}, "neutral"),
        ({"end": OrderEnd.ROLLED_BACK}, "failure"),
        (
            {
                "end": OrderEnd.FAILED,
                "differences": (Difference(kind=DifferenceKind.MISSING, text="not running"),),
            },
            "failure",
        ),
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


def test_a_backtick_is_written_as_json_alone_knows_it() -> None:
    block = render_report(make_order(), outcome(text="a `b` ```\n```")).text
    assert block.count("`") == 2 * len("```")
    assert r'"text":"a \u0060b\u0060 \u0060\u0060\u0060\n\u0060\u0060\u0060"' in block


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


def test_reasons_of_a_newer_node_are_read_as_the_words_beside_them() -> None:
    """An older service shows such a report; only how an order ended is decided on, and has to be known."""
    made = outcome(
        refusal=RefusalReason.EXPIRED,
        differences=(Difference(kind=DifferenceKind.MISSING, text="has no container"),),
    )
    text = render_report(make_order(), made).text
    newer = text.replace('"expired"', '"invented"').replace('"missing"', '"imagined"')
    report = parse_report(newer, number=7)
    assert report is not None
    assert report.refusal is RefusalReason.UNSUPPORTED
    assert report.differences == (Difference(kind=DifferenceKind.CHANGED, text="has no container"),)


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


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        ("```text\nsuccess: runs it\n  a: b\n```", "success: runs it\n  a: b"),
        ("`````text\n```\n`````", "```"),
        ("```text\nwithout an end", ""),
        ("```text\nwithout\nan end", ""),
        ("no fence", ""),
        ("", ""),
        ("```text", ""),
        ("words\n```", ""),
    ],
)
def test_the_words_of_a_report_are_what_stands_between_its_fences(summary: str, words: str) -> None:
    assert read_words(summary) == words
