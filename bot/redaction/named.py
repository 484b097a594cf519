"""Find secrets by the name before them: `password=x`, `--token x`, `<key>x</key>`, `mysql -px`. Pure.

Each text is read once from left to right: names are taken as whole words, so no pattern is tried again at each
letter of a long one, and a value is read only behind a name that says secret.
"""

from __future__ import annotations

import re

from bot.redaction.shapes import is_secret_name, is_secret_under

_WORD = re.compile(r"[\w.-]+")
_NAME_IN_WORD = re.compile(r"-{0,2}[A-Za-z]")
_SEPARATOR = re.compile(r"""["']?(\s*[=:]\s*|\s+)""")
_VALUE = re.compile(r""""[^"\\]*+(?:\\.[^"\\]*+)*+"|'[^']*+'|\S+""", re.DOTALL)
_XML = re.compile(r"<(?P<name>[A-Za-z][\w.-]{0,127})>(?P<value>[^<]+)</")
_USER = re.compile(r"(?:(?<=\s)|^)(?:-u|--user)[ =]?[^\s:]+:(?P<secret>\S+)")
_HEADER = re.compile(
    r"(?i)\bauthorization[\"']?\s{0,9}[:=]\s{0,9}[\"']?(?:basic|token|bearer)\s{1,9}(?P<secret>[^\s\"']+)"
)
_SHELL = re.compile(
    r"\b(?P<command>mysql|mysqladmin|mysqldump|mariadb|mariadb-admin|mariadb-dump|redis-cli|valkey-cli|sshpass)\b"
    r"|(?<=\s)(?P<option>-[ap])|(?P<end>[|;&])"
)
_DATABASE = ("-p", re.compile(r"(\S+)"))  # `-p x` is no password there
_CACHE = ("-a", re.compile(r"\s+(\S+)"))
_PASSWORDS = {"redis-cli": _CACHE, "valkey-cli": _CACHE, "sshpass": ("-p", re.compile(r"\s*(\S+)"))}

Spans = list[tuple[int, int]]


def find_named(text: str) -> Spans:
    """Find what stands behind a name that says secret, as (start, end)."""
    spans = find_in_commands(text)
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
        if is_secret_name(name) and (value := _VALUE.match(text, separator.end())):
            quoted = value[0][0] in "\"'"
            if is_secret_under(name, value[0].strip("\"'")):
                spans.append((value.start() + quoted, value.end() - quoted))
            done = value.end()
    return spans


def find_in_commands(text: str) -> Spans:
    """Find passwords that well-known commands take: `curl -u user:x`, `mysql -px`, `redis-cli -a x`."""
    spans = [found.span("secret") for pattern in (_USER, _HEADER) for found in pattern.finditer(text)]
    command, done = "", 0
    for found in _SHELL.finditer(text):
        if found.start() < done:
            continue
        if found["command"] or found["end"]:
            command = found["command"] or ""
        elif command and found["option"]:
            option, argument = _PASSWORDS.get(command, _DATABASE)
            if option == found["option"] and (password := argument.match(text, found.end())):
                spans.append(password.span(1))
                command, done = "", password.end()
    return spans
