"""Nothing that a terminal obeys is printed."""

from __future__ import annotations

import json

import pytest

from bot.text.terminal import printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain ä\n\ttext", "plain ä\n\ttext"),
        ("\x1b]0;title\x07", "\\u001b]0;title\\u0007"),
        ("a\rb\r\nc", "a\\u000db\nc"),
        ("\x9b2J\x7f\x00", "\\u009b2J\\u007f\\u0000"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u2028\u2029\u2066\u2069\u200e\u200f\u061c", "\\u2028\\u2029\\u2066\\u2069\\u200e\\u200f\\u061c"),
        ("\udcff", "\\udcff"),
        ("\x08\x09\x0b\x1f ", "\\u0008\t\\u000b\\u001f "),
        ("~\x7e\xa0", "~~\xa0"),
    ],
)
def test_controls_are_spelled(text: str, expected: str) -> None:
    assert printable(text) == expected


def test_json_stays_the_same() -> None:
    value = {"a": "\x1b\x9b\u2028\n"}
    assert json.loads(printable(json.dumps(value, ensure_ascii=False, indent=2))) == value
