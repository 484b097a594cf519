"""Whatever a plan holds and however little room there is: the report keeps its limit and its shape."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.names import ServiceName
from bot.domain.severity import Severity
from bot.features.bump.text import LEAST, LIMIT, parse_marker, render_body, render_title
from bot.plan.model import FileDiff, Plan, Reason, ServicePlan
from bot.plan.report.check import LIMIT as CHECK_LIMIT
from bot.plan.report.check import find_annotations, render_check, render_check_summary, render_check_text
from bot.plan.report.diffs import files
from bot.plan.report.links import Links
from bot.plan.report.rows import count
from bot.protocol.action import Action
from tests import plans
from tests.markdown_reading import Reading

WORDS = """@owner #1 GH-7 ``` ```` ~~~ </details> <details> <summary> <script> | \\| [x](y) ![x](y) <!-- --> __ _ ` $
\\ https://evil.example www.evil.ly a@b.example &lt; &#64;owner ** word üñí 🔴 o/r#1 <b |---| = === ]: [^1] :+1:"""
PIECES = [*WORDS.split(), " ", "\n", "\n\n", "- ", "1. ", "# ", "> ", "\r", *"\x00\u202e\u200b\u2028\ud800"]
HOSTILE = st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | st.text(max_size=12)
LONG = HOSTILE.map(lambda text: text * 40)
NAMES = HOSTILE.filter(lambda text: bool(text.strip()))
ACTIONS, SEVERITIES = st.sampled_from(list(Action)), st.sampled_from(list(Severity))


@st.composite
def any_plan(draw: st.DrawFn) -> Plan:
    """A plan full of text that strangers wrote."""

    def risks() -> Any:
        found = draw(st.lists(st.tuples(SEVERITIES, HOSTILE), max_size=2))
        return tuple(plans.risk(severity, text, where=plans.at(3, text)) for severity, text in found)

    def service() -> Any:
        reasons = draw(st.lists(HOSTILE | LONG, max_size=3))
        diff = draw(HOSTILE | LONG)
        return plans.service(draw(NAMES), draw(ACTIONS), *reasons, diff=diff, risks=risks(), signal=draw(HOSTILE))

    def stack() -> Any:
        error = draw(st.none() | HOSTILE | LONG)
        services = () if error is not None else tuple(service() for _ in range(draw(st.integers(0, 3))))
        missing = tuple(draw(st.lists(HOSTILE, max_size=2)))
        return plans.stack(
            draw(NAMES),
            *services,
            error=error,
            error_at=None if error is None else plans.at(3, draw(HOSTILE)),
            missing_variables=missing,
            new_variables=tuple(draw(st.lists(HOSTILE, max_size=2))),
            risks=risks(),
        )

    nodes = [
        plans.node(f"N{n}", *(stack() for _ in range(draw(st.integers(0, 3)))))
        for n in range(draw(st.integers(1, 3)))
    ]
    commits = tuple(plans.commit(s, a) for s, a in draw(st.lists(st.tuples(HOSTILE, HOSTILE), max_size=3)))
    files = tuple(draw(st.lists(HOSTILE, max_size=3)))
    texts = st.tuples(HOSTILE, HOSTILE | LONG, HOSTILE)
    diffs = tuple(FileDiff(*one) for one in draw(st.lists(texts, max_size=3)))
    return plans.plan(*nodes, commits=commits, files_changed=files, files_without_effect=files, file_diffs=diffs)


def assert_closed(markdown: str) -> None:
    """Every fence and every fold is closed, counted by hand and not by a renderer."""
    fence, folds = "", 0
    for line in markdown.split("\n"):
        mark = re.match(r"`{3,}", line)
        if fence:
            fence = "" if re.fullmatch(rf"`{{{len(fence)},}}", line) else fence
        elif mark:
            fence = mark.group()
        else:
            folds += bool(re.match("<details( open)?>", line)) - (line == "</details>")
            assert folds in (0, 1), line
    assert not fence
    assert not folds


def assert_safe(markdown: str) -> None:
    assert_closed(markdown)
    reading = Reading(markdown)
    assert reading.faults == []
    assert set(reading.rows) <= {4}


@settings(max_examples=120, deadline=None)
@given(plan=any_plan(), limit=st.integers(LEAST, 20_000), linked=st.booleans())
def test_every_report_under_every_budget(plan: Plan, limit: int, linked: bool) -> None:
    links = plans.LINKS if linked else Links()
    body = render_body(plan, links, limit=limit)
    assert len(body) <= limit
    assert_safe(body)
    marker = parse_marker(body)
    assert marker is not None
    assert marker.id == plan.id
    for text in (render_check_summary(plan, links, limit=limit), render_check_text(plan, links, limit=limit)):
        assert len(text) <= limit
        assert_safe(text)
    assert len(render_title(plan)) <= 256


@pytest.mark.parametrize("make", [plans.oversize, plans.large, plans.hostile, plans.small, plans.unreadable])
@pytest.mark.parametrize("limit", [LEAST, 4_000, 16_000, LIMIT])
def test_big_reports_keep_to_githubs_limits_and_keep_their_table(make: Any, limit: int) -> None:
    plan = make()
    body = render_body(plan, plans.LINKS, limit=limit)
    assert len(body) <= limit
    assert_safe(body)
    assert "| service | what happens |" in body
    check = render_check(plan, plans.LINKS, limit=min(limit, CHECK_LIMIT))
    assert max(len(check.summary), len(check.text)) <= min(limit, CHECK_LIMIT)
    if limit >= 16_000:  # GitHub counts bytes
        assert max(len(check.summary.encode()), len(check.text.encode())) <= min(limit, CHECK_LIMIT)
    assert_safe(check.summary)
    assert_safe(check.text)


def test_what_was_left_out_is_said() -> None:
    full = render_body(plans.large(), plans.LINKS)
    assert "Left out" not in full
    shorter = render_body(plans.large(), plans.LINKS, limit=30_000)
    assert "the context of the diffs" in shorter
    assert '\n-  "image"' in shorter
    assert '\n   "command"' not in shorter
    tiny = render_body(plans.oversize(), plans.LINKS, limit=4_000)
    assert re.search(r"Left out for length: \d+ rows of the table, the diffs of 12 stacks", tiny)
    assert "more rows" in tiny


def test_the_first_words_say_that_nothing_restarts_and_only_when_it_is_so() -> None:
    assert render_body(plans.nothing(), plans.LINKS).startswith("**Nothing restarts** · 3 unchanged\n")
    assert render_title(plans.nothing()).endswith(": nothing restarts")
    assert render_check(plans.nothing(), plans.LINKS).title == "nothing restarts"
    reloads = plans.plan(plans.node("N", plans.stack("s", plans.service("a", Action.RELOAD, "x", signal="SIGHUP"))))
    assert render_body(reloads, plans.LINKS).startswith("**Nothing restarts** · 1 service reloaded")
    unread = plans.plan(plans.node("N", plans.stack("s", error="no")))
    assert render_body(unread, plans.LINKS).startswith("⛔ **1 stack could not be analysed; nothing else restarts**")
    for changed in (plans.small(), plans.large(), plans.unreadable()):
        assert "othing restarts" not in render_body(changed, plans.LINKS)


def test_a_missing_variable_is_named_with_its_node() -> None:
    assert "HP_LAB has no AIOS_WIN_PATH" in Reading(render_body(plans.small(), plans.LINKS)).words


def test_the_gravest_row_comes_first_and_nodes_share_a_row() -> None:
    rows = [line for line in render_body(plans.small(), plans.LINKS).split("\n") if line.startswith("| ")]
    assert [row.split(" | ")[0] for row in rows[2:]] == ["| 🔴", "| 🟡", "| ⚪", "| ⚪"]
    assert "**traefik**<br>ingress on HP_LAB, AIOS" in rows[3]


def test_a_first_deploy_says_so() -> None:
    first = replace(plans.small(), old=None)
    assert render_title(first).startswith("Bump server to bbbbbbb: first deploy: ")
    assert render_body(first, plans.LINKS).startswith("**First deploy: 4 services ")
    assert "irst deploy" not in render_title(plans.small()) + render_body(plans.small(), plans.LINKS)


def test_the_title_names_the_base_where_there_are_several() -> None:
    assert render_title(plans.small(), base="lab").startswith(
        "Bump server on lab from aaaaaaa to bbbbbbb: 4 services"
    )
    assert render_title(plans.small()).startswith("Bump server from aaaaaaa")


def test_a_line_of_the_old_version_is_linked_there() -> None:
    where = plans.at(7)
    links = [plans.LINKS.source(plans.plan(), replace(where, gone=gone), "line 7") for gone in (True, False)]
    assert [plans.OLD in links[0], plans.NEW in links[0]] == [True, False]
    assert [plans.OLD in links[1], plans.NEW in links[1]] == [False, True]
    first = plans.LINKS.source(replace(plans.plan(), old=None), replace(where, gone=True), "line 7")
    assert plans.NEW in first


def test_severities_count_services_and_not_rows() -> None:
    """The same service with another cause on each node is one service to look at."""
    risky = [plans.service("web", Action.RECREATE, risks=(plans.risk(text=f"on node {n}"),)) for n in range(3)]
    nodes = [plans.node(f"N{at}", plans.stack("s", one)) for at, one in enumerate(risky)]
    assert count(plans.plan(*nodes)).severities == {Severity.RISKY: 1}
    milder = plans.service("web", Action.RECREATE, risks=(plans.risk(Severity.NOTICE),))
    both = plans.plan(*nodes, plans.node("N9", plans.stack("s", milder)))
    assert count(both).severities == {Severity.RISKY: 1}


def test_no_line_of_the_old_version_is_annotated() -> None:
    gone = replace(plans.at(3), gone=True)
    reason = Reason(code="labels", text="labels: - a", where=gone)
    one = ServicePlan(
        service=ServiceName("web"), action=Action.RECREATE, reasons=(reason,), risks=(plans.risk(where=gone),)
    )
    assert find_annotations([plans.plan(plans.node("N", plans.stack("s", one)))]) == ()


def test_short_diffs_of_files_are_open_and_long_ones_folded() -> None:
    def body(lines: int) -> str:
        short = FileDiff("server/a.yml", "@@ -1 +1 @@\n-a\n+b")
        long = FileDiff(
            "server/b.yml", "\n".join(["@@ -1,9 +1,9 @@", *("+line" for _ in range(lines - 1))]), "9 more lines"
        )
        return render_body(plans.plan(file_diffs=(short, long)), plans.LINKS)

    assert body(21).count("<details open><summary>") == 2
    assert "<details open>" not in body(22)
    assert "<summary><code>server/a.yml</code> +1 −1</summary>" in body(30)
    assert "<summary><code>server/b.yml</code> +29 −0</summary>" in body(30)
    assert "\n\n… and 9 more lines\n\n</details>" in body(30)


def test_a_file_that_is_not_shown_is_named_with_the_reason() -> None:
    plan = plans.plan(file_diffs=(FileDiff("server/logo.png", note="is not text"),))
    assert "\n<code>server/logo.png</code> changed; it is not text.\n" in render_body(plan, plans.LINKS)
    assert "<code>server/logo.png</code>" in render_check(plan, plans.LINKS).text


def test_without_room_the_files_are_named_and_then_counted() -> None:
    many = tuple(FileDiff(f"server/{n}.yml", "+x\n" * 2_000) for n in range(7))
    plan = plans.plan(file_diffs=many)
    shorter = render_body(plan, plans.LINKS, limit=5_000)
    assert "7 changed files that services read: <code>server/0.yml</code>, " in shorter
    assert "<code>server/4.yml</code> and 2 more." in shorter
    assert "the diffs of files" in shorter
    assert "7 changed files that services read." in files(plan).variants[1](0).text
    assert "<code>server/0.yml</code> and 6 more." in files(plan).variants[1](90).text
    assert files(plans.plan()).variants[0](100).text == ""
