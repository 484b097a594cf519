"""Find secrets by the name before them: `password=x`, `--token x`, `<key>x</key>`, a line of `.netrc`. Pure.

Each text is read once from left to right: names are taken as whole words, so no pattern is tried again at each
letter of a long one, and a value is read only behind a name that says secret.
"""

from __future__ import annotations

import re

from bot.redaction.commands import find_in_commands
from bot.redaction.recognise import is_secret_name, is_secret_under
from bot.redaction.statements import find_in_statements, find_pairs, is_secret_pair

_WORD = re.compile(r"[\w.-]+")
_NAME_IN_WORD = re.compile(r"-{0,2}[A-Za-z]")
# `=` of shells, JSON and programs (`:=`, `=>`, `string =`), and the comma of `set("NAME", "value")`.
_SCHEME = re.compile(r"(?i)(?:basic|bearer|token|digest)\s{1,9}(?=\S)")
_SEPARATOR = re.compile(r"""["'`]?(\s*(?::{1,3}=|[?|.+]=|[=:])>?\s*|(?<=["'`]),\s*(?=["'`])|\sstring\s=\s|\s+)""")
_VALUE = re.compile(r""""[^"\\]*+(?:\\.[^"\\]*+)*+"|'[^']*+'|`[^`]*+`|\S+""", re.DOTALL)
_XML = re.compile(r"<(?P<name>[A-Za-z][\w.-]{0,127})>(?P<value>[^<]+)</")
_BLOCK = re.compile(r"[|>][-+0-9]{0,2}[ \t]{0,9}\n")
_IN_LINES = re.compile(
    r"\b(?:machine\s{1,9}\S{1,255}|default)\s{1,9}login\s{1,9}\S{1,255}\s{1,9}password\s{1,9}(?P<netrc>\S+)"
    r"|^(?:[^\s:#]{1,255}:)(?:[0-9]{1,5}|\*):[^\s:]{1,128}:[^\s:]{1,128}:(?P<pgpass>\S+)$"
    r"|\bauth-pass\s{1,9}\S{1,128}\s{1,9}(?P<sentinel>\S+)"
    r"|\b(?:user|setuser)\s{1,9}\S{1,128}\s{1,9}(?:on|off|reset|>)(?P<acl>[^\n]*)",
    re.MULTILINE | re.IGNORECASE,
)
_ACL_PASSWORD = re.compile(r"(?:(?<=\s)|^)[>#]?(?<=[>#])([^\s\"']{3,})")

Spans = list[tuple[int, int]]


def find_named(text: str) -> Spans:
    """Find what stands behind a name that says secret, as (start, end)."""
    pairs = find_pairs(text)
    names = {pair.name[0] for pair in pairs}  # behind `key=`, and no secrets: their values may be
    spans = find_in_commands(text) + find_in_statements(text) + _find_in_lines(text)
    spans += [pair.value for pair in pairs if is_secret_pair(text, pair)]
    if "</" in text:
        spans += [
            found.span("value") for found in _XML.finditer(text) if is_secret_under(found["name"], found["value"])
        ]
    has_lines = "\n" in text
    done, begins_line = (
        0,
        has_lines,
    )  # up to where the text is read; whether only blanks stand between here and the break
    for word in _WORD.finditer(text):
        first = _NAME_IN_WORD.search(text, *word.span())
        if word.start() < done or not first:
            continue
        between = text[done : first.start()]
        begins_line = not between[between.rfind("\n") + 1 :].strip() and has_lines and (done == 0 or "\n" in between)
        done = word.end()
        separator = _SEPARATOR.match(text, word.end())
        if not separator or separator.end() == len(text):
            continue
        name = text[first.start() : word.end()]
        if separator[1].isspace() and (text[separator.end()] in "-=:" or not (name.startswith("-") or begins_line)):
            continue
        if is_secret_name(name) or name.upper() == "PWD" or name.lower().endswith("pin"):
            span, done = _value_after(text, first.start(), name, separator.end())
            spans += [span] if span and span[0] not in names else []
    return spans


def _value_after(text: str, name_at: int, name: str, start: int) -> tuple[tuple[int, int] | None, int]:
    """What is secret of the value that begins at `start`, if anything, and where the value ends."""
    scheme = _SCHEME.match(text, start) if "auth" in name.lower() else None
    value = _VALUE.match(text, scheme.end() if scheme else start)
    if not value:
        return None, start
    if "\n" in text[name_at : value.start()] and value[0].endswith(":"):
        return None, start  # a mapping below the name: its first key, and no value
    block = _BLOCK.match(text, value.start())
    if block:
        end = _block_end(text, name_at, block.end())
        begin = end - len(text[block.end() : end].lstrip())
        return ((begin, end) if begin < end else None), end
    quoted = value[0][0] in "\"'`" and len(value[0]) > 1
    secret = is_secret_under(name, value[0].strip("\"'`"))
    return ((value.start() + quoted, value.end() - quoted) if secret else None), value.end()


def _block_end(text: str, name_at: int, at: int) -> int:
    """Where a block of YAML ends that begins at `at`: before the first line that is not deeper than its name."""
    line_start = text.rfind("\n", 0, name_at) + 1
    depth = name_at - line_start
    end = at
    while at < len(text):
        line_end = text.find("\n", at)
        line_end = len(text) if line_end < 0 else line_end
        line = text[at:line_end]
        if line.strip():
            if len(line) - len(line.lstrip()) <= depth:
                break
            end = line_end
        at = line_end + 1
    return end


def _find_in_lines(text: str) -> Spans:
    """Passwords in lines of .netrc, .pgpass, and Redis's and Sentinel's configuration."""
    spans = []
    for found in _IN_LINES.finditer(text):
        if found["acl"] is None:
            spans.append(found.span(found.lastgroup or 0))
        else:
            spans += [one.span(1) for one in _ACL_PASSWORD.finditer(text, found.start("acl") - 1, found.end("acl"))]
    return spans
