"""Find secrets by the name before them: `password=x`, `--token x`, `<key>x</key>`, a line of `.netrc`. Pure.

Each text is read once from left to right: names are taken as whole words, so no pattern is tried again at each
letter of a long one, and a value is read only behind a name that says secret.
"""

from __future__ import annotations

import re

from bot.redaction.commands import find_in_commands
from bot.redaction.pairs import find_pairs
from bot.redaction.recognise import is_secret_under, may_name_secret
from bot.redaction.statements import find_in_statements
from bot.redaction.values import FoundValue, read_value

_WORD = re.compile(r"[\w.-]+")
_NAME_IN_WORD = re.compile(r"-{0,2}[A-Za-z]")
# `=` of shells, JSON and programs (`:=`, `=>`, `string =`), and the comma of `set("NAME", "value")`.
_SCHEME = re.compile(r"(?i)(?:basic|bearer|token|digest)\s{1,9}(?=\S)")
_SEPARATOR = re.compile(
    r"""["'`]?(\s*(?::{1,3}=|[?|.+]=|!={1,2}|==|[=:])>?\s*|(?<=["'`]),\s*(?=["'`])|\sstring\s=\s|\s+)"""
)
_XML = re.compile(r"<(?P<name>[A-Za-z][\w.-]{0,127})>(?P<value>[^<]+)</")
# `ENV NAME value` and others, whose name is no option and stands behind a word.
_DIRECTIVE = re.compile(
    r"(?:[Ss]et[Ee]nv|ENV|ARG|(?:fastcgi|uwsgi|scgi)_param|proxy_set_header|add_header|header_up|request_header"
    r"|header|set(?=[ \t]{1,9}(?:-[A-Za-z]|\$)))(?=[ \t])"
)
_BEFORE_NAME = re.compile(r"[ \t]{1,9}[$+-]?")
_FLAG = re.compile(r"-[A-Za-z]{1,3}")
_VARIABLE = re.compile(r"\$[a-z_0-9]{3,64};?")  # of nginx
_MAPPING = re.compile(r"[^\s:]{1,256}:(?=\s|$)")
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
    spans = find_in_commands(text) + find_in_statements(text) + _find_in_lines(text)
    if "</" in text:
        spans += [
            found.span("value") for found in _XML.finditer(text) if is_secret_under(found["name"], found["value"])
        ]
    has_lines = "\n" in text
    done = 0  # up to where the text is read
    begins_line = directive = False  # whether the name begins its line, or the directive before it does
    for word in _WORD.finditer(text):
        first = _NAME_IN_WORD.search(text, *word.span())
        if word.start() < done or not first or word.start() in pairs.names:
            continue
        between = text[done : first.start()]
        lead = between[between.rfind("\n") + 1 :].strip() if has_lines and (done == 0 or "\n" in between) else None
        begins_line = lead == ""
        behind = directive and bool(_BEFORE_NAME.fullmatch(between))
        directive = bool(
            (begins_line and _DIRECTIVE.match(text, first.start())) or (behind and _FLAG.fullmatch(word[0]))
        )
        done = word.end()
        separator = _SEPARATOR.match(text, word.end())
        if directive or not separator or separator.end() == len(text):
            continue
        name = pairs.named.get(first.start(), text[first.start() : word.end()])
        if separator[1].isspace() and (
            text[separator.end()] == "-" or not (name.startswith("-") or begins_line or behind)
        ):
            continue
        if behind and _VARIABLE.match(text, separator.end()):
            continue
        if may_name_secret(name):
            line = lead in ("", "-") and not separator[0].isspace() and separator[0][0] not in "\"'`"
            value = _value_after(text, name, first.start(), separator, line=line)
            spans += [span for span in value.spans if span[0] not in pairs.names]
            done = value.end
    return spans


def _value_after(text: str, name: str, name_at: int, separator: re.Match[str], *, line: bool) -> FoundValue:
    """What is secret of the value behind `separator`, if anything, and where the value ends."""
    start = separator.end()
    scheme = _SCHEME.match(text, start) if "auth" in name.lower() else None
    value = read_value(text, name_at, scheme.end() if scheme else start, line=line)
    if "\n" in separator[0] and any(_MAPPING.match(text, at) for at, _ in value.spans[:1]):
        return FoundValue([], start)  # a mapping below the name: its first key, and no value
    if name.lower() == "secrets" and text[start : start + 1] in ("-", "["):
        return FoundValue([], value.end)  # names of secrets
    return FoundValue(
        [span for span in value.spans if is_secret_under(name, text[slice(*span)].strip("\"'`"))], value.end
    )


def _find_in_lines(text: str) -> Spans:
    """Passwords in lines of .netrc, .pgpass, and Redis's and Sentinel's configuration."""
    spans = []
    for found in _IN_LINES.finditer(text):
        if found["acl"] is None:
            spans.append(found.span(found.lastgroup or 0))
        else:
            spans += [one.span(1) for one in _ACL_PASSWORD.finditer(text, found.start("acl") - 1, found.end("acl"))]
    return spans
