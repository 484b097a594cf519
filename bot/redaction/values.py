"""Read the value behind a name as its file writes it: a word, a quoted text, a line, a list, a block. Pure.

A text is read forward only: each value ends behind what was looked at, or at the end of the text.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_TAG = re.compile(r"(?:(?:!!?[A-Za-z]{0,32}|&[\w-]{1,64})[ \t]{1,9}){1,2}(?=\S)")
_BLOCK = re.compile(r"[|>][-+0-9]{0,2}[ \t]{0,9}(?:#[^\n]{0,256})?\r?\n")
_HERE = re.compile(r"<<[-~]?[\"']?(\w{1,64})[\"']?[ \t]{0,9}\r?\n")
_QUOTED = re.compile(
    r'"""(?P<three>[^"]*+(?:"{1,2}(?!")[^"]++)*+)"""'
    r"|'''(?P<single>[^']*+(?:'{1,2}(?!')[^']++)*+)'''"
    r'|"(?P<double>[^"\\]*+(?:\\.[^"\\]*+)*+)"|' + r"'(?P<one>[^']*+)'|`(?P<back>[^`]*+)`",
    re.DOTALL,
)
_LIST = re.compile(r"""\[(?:"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"|'[^'\n]*+'|[^\]"'\[{}]++)*+\]""")
_ITEM = re.compile(r"""(?:"([^"\\\n]*+(?:\\.[^"\\\n]*+)*+)"|'([^'\n]*+)'|([^\s,"']++))""")
_DASH = re.compile(r"[ \t]*+-[ \t]+(?![\w\"'.-]{1,128}:(?:\s|$))([^\n]+)")
_WORD = re.compile(r"\S+")
_LINE = re.compile(r"[^\n]+")
_COMMENT = re.compile(r"[ \t]#")


class FoundValue(NamedTuple):
    """Where the texts of a value stand, as (start, end), and where it ends."""

    spans: list[tuple[int, int]]
    end: int


def read_value(text: str, name_at: int, start: int, *, line: bool) -> FoundValue:
    """Read the value that begins at `start`; its name begins at `name_at`.

    `line` means that a plain one takes its whole line.
    """
    tag = _TAG.match(text, start)
    at = tag.end() if tag else start
    if block := _BLOCK.match(text, at):
        end = _block_end(text, name_at, block.end())
        return _one(end - len(text[block.end() : end].lstrip()), end)
    if here := _HERE.match(text, at):
        return _read_here(text, here.end(), here[1])
    if quoted := _QUOTED.match(text, at):
        return FoundValue([quoted.span(quoted.lastgroup or 0)], quoted.end())
    if items := _LIST.match(text, at):
        inside = (items.start() + 1, items.end() - 1)
        return FoundValue([one.span(one.lastindex or 0) for one in _ITEM.finditer(text, *inside)], items.end())
    if "\n" in text[name_at:at] and text[at : at + 2] in ("- ", "-\t"):
        return _read_dashes(text, name_at, at)
    word = _WORD.match(text, start)
    if not word or word[0] in ("{", "[", "(") or word[0].startswith(('[{"', '{"')):
        return FoundValue([], start)
    return _one(start, _line_end(text, name_at, start) if line else word.end())


def _one(start: int, end: int) -> FoundValue:
    return FoundValue([(start, end)] if start < end else [], end)


def _block_end(text: str, name_at: int, at: int) -> int:
    """Where a block of YAML ends that begins at `at`: before the first line that is not deeper than its name."""
    depth = _depth(text, name_at)
    end = at
    while at < len(text):
        line_end = _end_of_line(text, at)
        line = text[at:line_end]
        if line.strip():
            if _indent(line) <= depth:
                break
            end = at + len(line.rstrip("\r"))
        at = line_end + 1
    return end


def _read_here(text: str, at: int, word: str) -> FoundValue:
    """A here-document: up to the line that is `word`, or to the end."""
    start = end = at
    while at < len(text):
        line_end = _end_of_line(text, at)
        if text[at:line_end].strip() == word:
            break
        end = line_end
        at = line_end + 1
    return _one(start, end)


def _read_dashes(text: str, name_at: int, at: int) -> FoundValue:
    """The items of a list of YAML; one that is a mapping ends it."""
    depth = _depth(text, name_at)
    spans = []
    line_at = end = text.rfind("\n", 0, at) + 1
    while (item := _DASH.match(text, line_at)) and _indent(item[0]) >= depth:
        if not (item[1].startswith("#") or _BLOCK.match(text, item.start(1))):
            quoted = _QUOTED.match(text, item.start(1))
            spans += [quoted.span(quoted.lastgroup or 0)] if quoted else [_trimmed(text, *item.span(1))]
        line_at = end = item.end()
        line_at += 1
    return FoundValue(spans, max(at, end))


def _line_end(text: str, name_at: int, start: int) -> int:
    """Where a plain value ends: with its line, or with those that go on with it in YAML, or behind a backslash."""
    depth = _depth(text, name_at)
    end = _end_of_line(text, start)
    while end < len(text):
        after = _end_of_line(text, end + 1)
        line = text[end + 1 : after]
        goes_on = text[start:end].endswith(("\\", "\\\r"))
        deeper = _indent(line) > depth and not any(char in line for char in ":={}[]<>")
        if not goes_on and not (deeper and line.strip() and not line.lstrip().startswith(("-", "#"))):
            break
        end = after
    return _trimmed(text, start, end)[1]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without the comment and the blanks at its end."""
    comment = _COMMENT.search(text, start, end)
    return start, start + len(text[start : comment.start() if comment else end].rstrip())


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _depth(text: str, at: int) -> int:
    """How far from the begin of its line a name stands that is not behind a quote."""
    depth = at - text.rfind("\n", 0, at) - 1
    return depth - (text[at - 1 : at] in ("'", '"'))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
