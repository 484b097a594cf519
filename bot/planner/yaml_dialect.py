"""Refuse what libyaml takes and compose's own parser (go-yaml) does not, in words that say what to write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from yaml.events import DocumentStartEvent, ScalarEvent

_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_BOM = "\ufeff"
_SLASH = re.compile(r"(?<!\\)(?:\\\\)*\\/")


class YamlRefusedError(Exception):
    """The text cannot be used. `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


def check_events(events: Iterator[Any], content: bytes) -> Iterator[Any]:
    """The `events` of the file `content`; raises YamlRefusedError at the first that compose would not read."""
    text = _decode(content)
    lines = _BREAK.split(text)
    marked = next((number for number, line in enumerate(lines, 1) if line.startswith(_BOM)), 0)
    if marked:
        raise YamlRefusedError(marked, "a byte order mark stands within the file")
    has_slashes = "\\/" in text
    for event in events:
        line = int(event.start_mark.line) + 1
        if isinstance(event, DocumentStartEvent) and event.version not in (None, (1, 1)):
            raise YamlRefusedError(line, "%YAML names another version than 1.1, the one that compose reads")
        is_quoted = isinstance(event, ScalarEvent) and event.style == '"'
        if has_slashes and is_quoted and _SLASH.search(_raw(event, lines)):
            raise YamlRefusedError(line, "a backslash before a slash: compose knows no such escape; write `/` alone")
        yield event


def _decode(content: bytes) -> str:
    """The text without its byte order mark."""
    is_wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    return content.decode("utf-16" if is_wide else "utf-8", "replace").removeprefix(_BOM)


def _raw(event: Any, lines: list[str]) -> str:
    """A scalar as it is written."""
    start, end = event.start_mark, event.end_mark
    if start.line == end.line:  # the usual case, and not by way of the whole line, which may hold all of the file
        return lines[int(start.line)][start.column : end.column]
    parts = lines[start.line : end.line + 1]
    parts[-1] = parts[-1][: end.column]
    parts[0] = parts[0][start.column :]
    return "\n".join(parts)
