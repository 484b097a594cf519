"""The small builders of Markdown: whatever a stranger wrote stays words, in its place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.text import markdown as md
from tests.markdown_reading import Reading
from tests.unit.plan.test_report_properties import HOSTILE

_ANY = HOSTILE | st.lists(st.sampled_from("_www.evil.ly|\\`*@#<>&:/gh-1"), max_size=20).map("".join)


def in_every_place(one: str, other: str) -> str:
    """Both texts in every kind of place that a report has."""
    cells = [f"**{md.text(one)}**<br>{md.text(other)} on N", md.code(one), md.text(other), ""]
    parts = [
        md.table(["a", "b", "c", "d"], [cells, cells[::-1]]),
        f"- {md.text(one)}, by {md.text(other)}\n- {md.code(other)}",
        md.fold(f"{md.code(one)}: {md.text(other)}", f"{md.code(other)}\n\n{md.fence(one + other, 'diff')}"),
        f"**N has no {md.code(one)}** (used by {md.text(other)}), _left out: {md.code(other)}_",
        md.link("line", "https://github.com/a", one, other) + md.html_link("x", "https://github.com/a", other),
    ]
    return "\n\n".join(parts)


@settings(max_examples=300, deadline=None)
@given(one=_ANY, other=_ANY)
def test_nothing_breaks_out_or_calls_anybody(one: str, other: str) -> None:
    reading = Reading(in_every_place(one, other))
    assert reading.faults == []
    assert set(reading.rows) == {4}
    assert reading.folds == 1


WRITTEN = [
    "_www.evil.ly",
    "xgh-1",
    "a\\|b",
    "``` `` `",
    "@owner",
    "fixes #1",
    "&#64;owner",
    "x@y.ly",
    "__a__",
    "1. a",
]


@pytest.mark.parametrize("hostile", WRITTEN)
def test_a_person_reads_what_was_written(hostile: str) -> None:
    for built in (md.text(hostile), md.code(hostile)):
        reading = Reading(f"| a |\n| --- |\n| {built} |")
        assert reading.faults == []
        assert reading.words.replace("\u200b", "").split("\n", 6)[-1].strip().endswith(hostile)


def test_a_name_stays_a_name_in_the_raw_text() -> None:
    assert md.text("HP_LAB has 8 services, v1.2-rc") == "HP_LAB has 8 services, v1.2-rc"
