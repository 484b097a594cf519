"""No pattern of `re` in the program repeats, without a limit, what repeats without a limit inside.

Such a pattern takes exponential time over a text that is made for it, and holds the interpreter meanwhile.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterable, Iterator, Mapping
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


HANDED_IN = {
    ("bot/fleetfile/shapes.py", "pattern"): "the module keeps what it compiles, and is read",
    ("bot/plan/build_ignore.py", "fnmatch.translate(known)"): "fnmatch closes each star before the next",
    (
        "bot/plan/image_sources.py",
        "fnmatch.translate('*' if '[' in text else text)",
    ): "fnmatch closes each star before the next",
    ("bot/web/api/parameters.py", "self.pattern[1:-1]"): "the module keeps the parameters, and they are read",
}
"""Calls of `re` whose pattern is made elsewhere, and why it is harmless."""


def find_patterns() -> Iterator[tuple[str, str]]:
    """Where each pattern of the program stands, and the pattern: those that modules keep, and calls of `re`."""
    for path in sorted((ROOT / "bot").rglob("*.py")):
        place = path.relative_to(ROOT).as_posix()
        name = place.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        names = vars(importlib.import_module(name)) if path.stem != "__main__" else {}
        for variable, value in list(names.items()):
            for at, text in enumerate(patterns_in(value)):
                yield f"{place}:{variable}:{at}", text
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr=function), args=[first, *_]) if (
                    function != "escape" and (place, ast.unparse(first)) not in HANDED_IN
                ):
                    yield f"{place}:{node.lineno}", evaluate(first, names)


def patterns_in(value: Any) -> Iterator[str]:
    """The patterns of a module's variable: itself, what a table holds, and what an object or a class keeps."""
    kept = value.pattern if isinstance(value, re.Pattern) or _is_ours(type(value), "pattern", value) else None
    if isinstance(kept, str):
        yield kept
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from patterns_in(one)
    elif isinstance(value, tuple | list | set | frozenset):
        for one in value:
            yield from patterns_in(one)
    elif _is_ours(value, "__dict__", value) or _is_ours(type(value), "__dict__", value):
        yield from patterns_in([one for one in vars(value).values() if isinstance(one, re.Pattern)])


def _is_ours(kind: Any, attribute: str, value: Any) -> bool:
    return isinstance(kind, type) and kind.__module__.startswith("bot.") and hasattr(value, attribute)


def evaluate(made: ast.expr, names: Mapping[str, Any]) -> str:
    """The pattern that an expression makes of the module's constants; what only a run knows is a letter in it."""
    match made:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(evaluate(part, names) for part in parts)
        case ast.FormattedValue(value=inner):
            return evaluate(inner, names)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return evaluate(left, names) + evaluate(right, names)
        case ast.Name(id=variable) if isinstance(names.get(variable), str):
            return str(names[variable])
        case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr="escape")):
            return "x"
    try:  # of the program's own source, as importing it does
        made_of = eval(compile(ast.Expression(made), "pattern", "eval"), dict(names))
    except NameError:
        return "x"  # a local name
    return made_of if isinstance(made_of, str) else "x"


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
    assert len(found) > 300
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


@pytest.mark.parametrize(
    ("source", "nested"),
    [
        ('rf"(?:{_PART})+b"', True),
        ('"(?:" + _PART + ")+b"', True),
        ('"|".join([_PART, f"({_PART})*"])', True),
        ('f"(?:{re.escape(name)})+"', False),
        ('f"(?:{name}+)*"', True),
        ("_PART", False),
    ],
)
def test_patterns_made_of_constants_are_seen(source: str, nested: bool) -> None:
    made = evaluate(ast.parse(source, mode="eval").body, {"_PART": "a+", "re": re})
    assert has_nested_repeats(PARSER.parse(made)) is nested


def test_patterns_that_a_module_keeps_are_seen() -> None:
    class Keeps:
        pattern = re.compile("c")

    Keeps.__module__ = "bot.example"
    kept = {
        "one": re.compile("a"),
        "two": ("no pattern", [re.compile("b")]),
        "three": Keeps,
        "bytes": re.compile(b"d"),
    }
    assert list(patterns_in(kept)) == ["a", "b", "c"]


def test_each_pattern_from_elsewhere_is_still_made_there() -> None:
    sources = {place: (ROOT / place).read_text("utf-8") for place, _ in HANDED_IN}
    calls = {
        (place, ast.unparse(node.args[0]))
        for place, source in sources.items()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and node.args and ast.unparse(node.func).startswith("re.")
    }
    assert set(HANDED_IN) <= calls
