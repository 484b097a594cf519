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


@pytest.mark.parametrize(
    ("hostile", "text", "code"),
    [
        ("", "", "<code> </code>"),
        ("a  b\n c\x00\u202e\ud800d", "a b cd", "<code>a b cd</code>"),
        ("@a #1", "&#64;&#8203;a &#35;&#8203;1", "<code>&#64;&#8203;a &#35;1</code>"),
        ("GH-1", "GH-&#8203;1", "<code>GH-1</code>"),
        ("www.x wwwx", "www&#8203;.x wwwx", "<code>www&#46;x wwwx</code>"),
        ("x://y:z", "x:&#8203;//y:z", "<code>x&#58;//y:z</code>"),
        (r"\`*[]<&~|$", "&#92;&#96;&#42;&#91;&#93;&#60;&#38;&#126;&#124;&#36;", None),
        ("_a_b_ __c", "&#95;a_b&#95; &#95;&#95;c", "<code>&#95;a_b&#95; &#95;&#95;c</code>"),
        ("1. a", "&#49;&#46; a", "<code>1. a</code>"),
        ("2026", "2026", "<code>2026</code>"),
        ("2026-", "&#50;&#48;&#50;&#54;&#45;", "<code>2026-</code>"),
        ("> a", "&#62; a", "<code>> a</code>"),
        ("-+=.:()", "&#45;&#43;&#61;&#46;&#58;&#40;&#41;", "<code>-+=.:()</code>"),
        ("a-1.", "a-1.", "<code>a-1.</code>"),
    ],
)
def test_hostile_text_is_written_so(hostile: str, text: str, code: str | None) -> None:
    assert md.text(hostile) == text
    assert md.code(hostile) == (f"<code>{text}</code>" if code is None else code)


def test_a_cut_text_has_the_length_that_it_may_have() -> None:
    assert (md.cut("abcd", 4), md.cut("abcde", 4), md.cut("", 0)) == ("abcd", "abc…", "")


@pytest.mark.parametrize(
    ("body", "language", "fenced"),
    [
        ("a", "", "```\na\n```"),
        ("a\r\nb\rc\x00\td", "diff", "```diff\na\nb\nc\td\n```"),
        ("`` a ```", "", "````\n`` a ```\n````"),
        ("``", "", "```\n``\n```"),
    ],
)
def test_a_fence_is_longer_than_any_inside(body: str, language: str, fenced: str) -> None:
    assert md.fence(body, language) == fenced
    assert md.fence("a") == "```\na\n```"


def test_tables_and_folds() -> None:
    assert md.table(["a", "b"], [["1", "2"], ["3", ""]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 |  |"
    assert md.table([], []) == "|  |\n|  |"
    assert md.fold("s", "b") == "<details><summary>s</summary>\n\nb\n\n</details>"


def test_an_address_is_put_together_from_its_parts() -> None:
    assert md.link("x", "https://h/") == "[x](https://h/)"
    assert md.link("x", "https://h//", "a@b.c-d_e~f/g", "é\ud800") == "[x](https://h/a@b.c-d_e~f/g/%C3%A9%3F)"
    assert md.link("x", "https://h/X//", "a") == "[x](https://h/X/a)"
    assert md.html_link("x", "https://h/", "a b") == '<a href="https://h/a%20b">x</a>'


def test_a_name_stays_a_name_in_the_raw_text() -> None:
    assert md.text("HP_LAB has 8 services, v1.2-rc") == "HP_LAB has 8 services, v1.2-rc"
