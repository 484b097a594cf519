"""No pattern of `re` in the program repeats, without a limit, what repeats without a limit inside.

Such a pattern takes exponential time over a text that is made for it, and holds the interpreter meanwhile.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PARSER: Any = importlib.import_module("re._parser")  # the standard library's own; nothing public parses a pattern
LIMIT = 64  # repeats at most so often count as limited

JUDGED = {
    r"(?:[ \t\r\n\ufeff]|//[^\r\n]*|/\*.*?\*/)*": "nothing follows it, so nothing is ever given back",
    r"(?i)(?:[a-z]+[-_])*v?\d+(?:\.\d+)+(?:[-._+].*)?|.*\d{4}-\d{2}-\d{2}.*|(?:.*[-._])?\d{6,}(?:[-._].*)?"
    r"|(?:.*[-._])?(?:sha-[0-9a-f]{7,}|[0-9a-f]{12,64})": "a turn of letters ends at what is no letter",
    r"(?:v|pg|release\.)?(\d+(?:\.\d+)*)": "a turn begins with a dot, which no turn holds",
    r"/|/(?:fleets|plans)(?:/[A-Za-z0-9_.,%:@+-]+)*": "a turn begins with a slash, which no turn holds",
}
"""Nested repeats of which each turn can end in one place only."""


def find_patterns() -> Iterator[tuple[str, str]]:
    """Where each pattern stands that is written out in a call of `re`, and the pattern."""
    for path in sorted((ROOT / "bot").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="re")), args=[ast.Constant(value=str(text)), *_]):
                    yield f"{path.relative_to(ROOT).as_posix()}:{node.lineno}", text


def has_nested_repeats(items: Iterable[Any], *, inside: bool = False) -> bool:
    """Whether one unlimited repeat stands inside another, where the inner one may give back what it took."""
    for code, value in items:
        name = str(code)
        parts: list[Any] = []
        within = inside
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            _, most, part = value
            unlimited = most > LIMIT
            if unlimited and inside and name != "POSSESSIVE_REPEAT":
                return True
            parts, within = [part], inside or unlimited
        elif name == "SUBPATTERN":
            parts = [value[3]]
        elif name == "BRANCH":
            parts = value[1]
        elif name in ("ASSERT", "ASSERT_NOT"):
            parts = [value[1]]
        elif name == "ATOMIC_GROUP":
            parts = [value]
        if any(has_nested_repeats(part, inside=within) for part in parts):
            return True
    return False


def test_no_repeat_stands_in_another() -> None:
    found = dict(find_patterns())
    assert len(found) > 100
    bad = {place: text for place, text in found.items() if has_nested_repeats(PARSER.parse(text))}
    assert {place: text for place, text in bad.items() if text not in JUDGED} == {}
    assert set(JUDGED) <= set(bad.values()), "what is judged has to be there"


@pytest.mark.parametrize(
    ("pattern", "nested"),
    [
        ("(a+)+b", True),
        ("(?:a|b*)*c", True),
        ("(?:(?=x+)y)*", True),
        ("(?:a{1,9}b)*", False),
        ("(?:a{0,100})*", True),
        ("(?:a++b)*", False),
        ("a+b*", False),
    ],
)
def test_what_counts_as_nested(pattern: str, nested: bool) -> None:
    re.compile(pattern)
    assert has_nested_repeats(PARSER.parse(pattern)) is nested
