"""Read a stack's `.env` as compose does: its settings of compose itself stand there.

The rules are those of compose-go (dotenv/parser.go), tried with 2.40.3 and 5.6.1. A stranger may have written it:
time grows with the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.planner.interpolation import UnknowableError, VariableUse, find_uses, read_plain

_LONGEST = 4096  # characters of a value: each may hold the one before it twice
_BETWEEN = re.compile(r"\s+|#[^\n]*")
_STATEMENT = re.compile(
    r"""(?:export[^\S\n]+)?([\w.\[\]-]+)[^\S\n]*
    (?:[=:][^\S\n]*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|(?!["'])[^\n]*)|(?=\n|\Z))""",
    re.DOTALL | re.VERBOSE,
)


def read_dotenv(text: str, known: Mapping[str, str]) -> dict[str, str | None]:
    """What each name has, the last where it stands there twice; None: it is made of what is not known here.

    `known` are variables whose value is certain. They count more than those of the file. What stands behind an error
    is not read: compose refuses the file.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    found: dict[str, str | None] = {}
    at = 0
    while statement := _STATEMENT.match(text, _skip(text, at)):
        at = statement.end()
        name, raw = statement.groups()
        if raw is None:  # a name alone
            found |= {name: known[name]} if name in known else {}
        elif raw[:1] not in ("'", '"'):
            found[name] = _expand(raw.partition(" #")[0].rstrip(), known, found)
        else:
            inside = raw[1:-1].replace(f"\\{raw[0]}", raw[0])
            found[name] = inside if raw[0] == "'" else None if "\\" in inside else _expand(inside, known, found)
    return found


def _skip(text: str, at: int) -> int:
    """Where the next statement would begin: behind blanks and comments."""
    while between := _BETWEEN.match(text, at):
        at = between.end()
    return at


def _expand(text: str, known: Mapping[str, str], found: Mapping[str, str | None]) -> str | None:
    """`text` with values in the place of its variables; None where that is not certain."""
    if "$" not in text:
        return text
    parts: list[str | None] = []
    at = 0
    try:
        for use in (one for one in find_uses(text) if not one.nested):
            parts += [read_plain(text[at : use.span[0]]), _value(use, text[slice(*use.span)], known, found)]
            at = use.span[1]
        parts.append(read_plain(text[at:]))
    except UnknowableError:
        return None
    certain = [part for part in parts if part is not None]
    return "".join(certain) if len(certain) == len(parts) and sum(map(len, certain)) <= _LONGEST else None


def _value(use: VariableUse, written: str, known: Mapping[str, str], found: Mapping[str, str | None]) -> str | None:
    """What compose puts in the place of `use`; None where only the node knows it."""
    value = known[use.name] if use.name in known else found.get(use.name)
    is_unknown = value is None and use.name in found
    if is_unknown or written not in (f"${use.name}", f"${{{use.name}{use.operator}{use.word}}}"):
        return None
    is_set = value is not None and (value != "" or not use.operator.startswith(":"))
    if use.operator.endswith("+"):
        return _expand(use.word, known, found) if is_set else ""
    if use.operator.endswith("-") and not is_set:
        return _expand(use.word, known, found)
    return value if is_set else None
