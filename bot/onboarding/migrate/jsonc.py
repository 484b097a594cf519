"""Parse JSON with comments and trailing commas, as VS Code writes it, and edit it in place. Pure.

Every value keeps its position in the text, so that an edit changes nothing around it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

_BLANK = re.compile(r"(?:[ \t\r\n\ufeff]|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_WORD = re.compile(r"-?[0-9][0-9.eE+-]*|true|false|null")
_DEEPEST = 100


class JsonError(ValueError):
    """The text is not JSON with comments. The message names the line."""


class Item(NamedTuple):
    """A value and its position in the text: from `start` up to, not including, `end`.

    `value` is the value of a string, number or word, and None for a mapping (`members`) or a list (`items`).
    `comma` is the position of a trailing comma, if there is one.
    """

    start: int
    end: int
    value: object = None
    members: dict[str, Item] | None = None
    items: tuple[Item, ...] | None = None
    comma: int | None = None


class Edit(NamedTuple):
    """Replace what is between `start` and `end` by `text`."""

    start: int
    end: int
    text: str


def parse_jsonc(text: str) -> Item:
    """Parse the one value of `text`. Raises JsonError."""
    reader = _Reader(text)
    item = reader.read_value(reader.skip(0), 0)
    if reader.skip(item.end) != len(text):
        raise reader.error(reader.skip(item.end), "there is text after the end")
    return item


def apply_edits(text: str, edits: Sequence[Edit]) -> str:
    """`text` with every edit applied; they must not overlap."""
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def append_to_list(text: str, item: Item, added: Sequence[str]) -> list[Edit]:
    """The edits that append `added` (JSON texts) to the list `item`, in its own layout."""
    if item.items is None:
        raise TypeError("not a list")
    end = item.end - 1  # of the closing bracket
    line_end = "\r\n" if "\r\n" in text else "\n"
    gap = text[item.items[-1].end if item.items else item.start + 1 : end]
    if item.items and "\n" not in gap:
        return [Edit(item.items[-1].end, item.items[-1].end, "".join(f", {one}" for one in added))]
    closing = _indent_before(text, end) if "\n" in gap else _indent_before(text, item.start)
    indent = _indent_before(text, item.items[0].start) if item.items else closing + _unit(text)
    edits = []
    if item.items and item.comma is None:
        edits.append(Edit(item.items[-1].end, item.items[-1].end, ","))
    lines = f",{line_end}".join(f"{indent}{one}" for one in added) + ("," if item.comma is not None else "")
    if "\n" not in gap:  # an empty list on one line
        return [Edit(end, end, f"{line_end}{lines}{line_end}{closing}")]
    at = text.rfind("\n", 0, end) + 1
    if text[at:end].strip():  # a comment precedes the bracket
        return [*edits, Edit(end, end, f"{line_end}{lines}{line_end}{closing}")]
    return [*edits, Edit(at, at, f"{lines}{line_end}")]


def _indent_before(text: str, at: int) -> str:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _unit(text: str) -> str:
    found = re.search(r"\n([ \t]+)\S", text)
    return found.group(1) if found else "  "


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text

    def error(self, at: int, problem: str) -> JsonError:
        return JsonError(f"line {self.text.count(chr(10), 0, at) + 1}: {problem}")

    def skip(self, at: int) -> int:
        found = _BLANK.match(self.text, at)
        return found.end() if found else at

    def read_value(self, at: int, depth: int) -> Item:
        if depth > _DEEPEST:
            raise self.error(at, "nested too deeply")
        match self.text[at : at + 1]:
            case "{":
                return self._read_mapping(at, depth)
            case "[":
                return self._read_list(at, depth)
            case '"':
                return self._read_string(at)
        found = _WORD.match(self.text, at)
        try:
            return Item(at, found.end(), json.loads(found.group())) if found else self._fail(at, "a value")
        except json.JSONDecodeError:
            raise self.error(at, f"not a number: {self.text[at : at + 20]!r}") from None

    def _read_string(self, at: int) -> Item:
        found = _STRING.match(self.text, at)
        try:
            return Item(at, found.end(), json.loads(found.group())) if found else self._fail(at, "a name in quotes")
        except json.JSONDecodeError:
            raise self.error(at, "an unclosed string, or one that is not JSON") from None

    def _fail(self, at: int, what: str) -> Item:
        raise self.error(at, f"{what} is expected here")

    def _read_mapping(self, start: int, depth: int) -> Item:
        members: dict[str, Item] = {}
        at, comma = self.skip(start + 1), None
        while self.text[at : at + 1] != "}":
            name = self._read_string(at)
            at = self.skip(name.end)
            if self.text[at : at + 1] != ":":
                raise self.error(at, "`:` is expected here")
            value = self.read_value(self.skip(at + 1), depth + 1)
            members[str(name.value)] = value
            at, comma = self._after(value.end, "}")
        return Item(start, at + 1, members=members, comma=comma)

    def _read_list(self, start: int, depth: int) -> Item:
        items: list[Item] = []
        at, comma = self.skip(start + 1), None
        while self.text[at : at + 1] != "]":
            items.append(self.read_value(at, depth + 1))
            at, comma = self._after(items[-1].end, "]")
        return Item(start, at + 1, items=tuple(items), comma=comma)

    def _after(self, end: int, closing: str) -> tuple[int, int | None]:
        """Where to continue after a value that ended at `end`, and the position of a trailing comma."""
        at = self.skip(end)
        if self.text[at : at + 1] == ",":
            following = self.skip(at + 1)
            return following, at if self.text[following : following + 1] == closing else None
        if self.text[at : at + 1] != closing:
            raise self.error(at, f"`,` or `{closing}` is expected here")
        return at, None
