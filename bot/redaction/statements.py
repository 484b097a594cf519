"""Find secrets in statements and files of other programs: SQL, settings in XML and JSON, Postfix, Wi-Fi codes. Pure.

Each repetition is bounded, or ends at a character with which the next try would begin.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from bot.redaction.recognise import is_secret_under

_STATEMENT = re.compile(
    r"""
      \bidentified\s{1,9}(?:with\s{1,9}[^\s'"]{1,64}\s{1,9})?(?:by|as)\s{1,9}(?:password\s{1,9})?['"](?P<sql>[^'"\n]+)
    | \bpassword\s{1,9}'(?P<role>[^'\n]+)'
    | ^\[[\w.:-]{1,255}\](?::\w{1,9})?[ \t]{1,9}[^\s:]{1,255}:(?P<relay>\S+)$
    | ^[\w-]{1,63}\.[\w.-]{1,255}(?::\w{1,9})?[ \t]{1,9}[^\s:@]{1,128}@[\w.-]{1,255}:(?P<mail>[^\s/]+)$
    | \bjdbc:oracle:(?:thin|oci8?):[^\s/@"']{1,128}/(?P<oracle>[^\s@"']{1,256})@
    | \bWIFI:(?:[^;\n]{0,128};){0,5}?P:(?P<wifi>(?:[^;\\\n]|\\.){1,128})
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)
_BETWEEN = r"""["'],?\s{1,9}(?:["']?[\w:-]{1,40}["']?\s{0,3}[=:]\s{0,3}["'][^"'<>\n]{0,80}["'],?\s{1,9}){0,2}["']?"""
_EQUALS = r"""["']?\s{0,3}[=:]\s{0,3}["']"""
_ITEM = r"^[ \t]*+(?:-[ \t]++)?"
_LINE_OF_NAME = r"""[ \t]++["']?(?P<name>[^\s"']{1,128})["']?[ \t]*+$"""
_LINE_OF_VALUE = r"[ \t]++(?P<value>[^\s|>][^\n]*+)"
# `key="Timeout" value="30"` and `"value": "30", "name": "TIMEOUT"`; the same in lines of YAML.
_PAIRS = (
    re.compile(
        rf"""\b(?:key|name){_EQUALS}(?P<name>[^"'<>\n]{{1,128}}){_BETWEEN}value{_EQUALS}(?P<value>[^"'<>\n]+)["']""",
        re.IGNORECASE,
    ),
    re.compile(
        rf"""\bvalue{_EQUALS}(?P<value>[^"'<>\n]{{1,512}}){_BETWEEN}(?:key|name){_EQUALS}(?P<name>[^"'<>\n]{{1,128}})["']""",
        re.IGNORECASE,
    ),
    re.compile(rf"{_ITEM}(?:key|name):{_LINE_OF_NAME}\n[ \t]*+value:{_LINE_OF_VALUE}", re.MULTILINE | re.IGNORECASE),
    re.compile(rf"{_ITEM}value:{_LINE_OF_VALUE}\n[ \t]*+(?:key|name):{_LINE_OF_NAME}", re.MULTILINE | re.IGNORECASE),
)


class Pair(NamedTuple):
    """A name and its value that stand beside each other, as (start, end)."""

    name: tuple[int, int]
    value: tuple[int, int]


def find_in_statements(text: str) -> list[tuple[int, int]]:
    """Find passwords that a statement sets, as (start, end)."""
    return [found.span(found.lastgroup or 0) for found in _STATEMENT.finditer(text)]


def find_pairs(text: str) -> list[Pair]:
    """Find `key` or `name` with the `value` beside it, whatever they hold."""
    if "value" not in text.lower():
        return []
    return [
        Pair(found.span("name"), _without_quotes(text, *found.span("value")))
        for pattern in _PAIRS
        for found in pattern.finditer(text)
    ]


def _without_quotes(text: str, start: int, end: int) -> tuple[int, int]:
    value = text[start:end].rstrip()
    quoted = len(value) > 1 and value[0] in "\"'" and value[-1] == value[0]
    return start + quoted, start + len(value) - quoted


def is_secret_pair(text: str, pair: Pair) -> bool:
    """Whether the pair's value is secret because of its name."""
    return is_secret_under(text[slice(*pair.name)], text[slice(*pair.value)])
