"""Find `${VARIABLE}` in compose files, and what a path that holds one can become."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":?[-+?]")
_SAFE_VALUE = re.compile(r"[A-Za-z0-9._/@+,-]*")
# Braces, dollars and backslashes in a default are read differently by different versions of compose.
_SIMPLE = re.compile(r"\$[A-Za-z_][A-Za-z0-9_]*|\$\{[A-Za-z_][A-Za-z0-9_]*(?::?[-+?][^{}$\\]*)?\}")
_MAX_CANDIDATES = 24
_MAX_NESTING = 32  # `${A:-${B:-...}}`; compose files of people have two or three
_BRACE = re.compile(r"\$\$|\$\{|[{}]")


class VariableUse(NamedTuple):
    """One use of a variable. `operator` is "", "-", ":-", "+", ":+", "?" or ":?"; `word` is what follows it."""

    name: str
    operator: str = ""
    word: str = ""
    nested: bool = False  # inside the word of another: needed only when that one is not set
    span: tuple[int, int] = (0, 0)


class UnknowableError(Exception):
    """What the text will become cannot be known. `str(error)` says why."""


def check_nesting(text: str) -> None:
    """Raise UnknowableError when `${` stands too deep inside others to be followed."""
    if text.count("${") <= _MAX_NESTING:
        return
    open_braces: list[str] = []
    for brace in _BRACE.findall(text):
        if brace == "}":
            del open_braces[-1:]
        elif brace == "${" or (brace == "{" and open_braces):
            open_braces.append(brace)
            if len(open_braces) > _MAX_NESTING:
                raise UnknowableError(f"`${{` is nested deeper than {_MAX_NESTING} levels")


def find_uses(text: str, *, nested: bool = False) -> Iterator[VariableUse]:
    """Every variable that compose would interpolate in `text`, outer ones first. `$$` is a dollar.

    Raises UnknowableError where variables are nested too deep.
    """
    if not nested:
        check_nesting(text)
    at = text.find("$")
    while 0 <= at < len(text) - 1:
        following = text[at + 1]
        if following == "$":
            at = text.find("$", at + 2)
            continue
        if following == "{":
            end = _closing(text, at + 1)
            inside = text[at + 2 : end]
            name = _NAME.match(inside)
            if name:
                operator = _OPERATOR.match(inside, name.end())
                word = inside[operator.end() :] if operator else ""
                yield VariableUse(name.group(), operator.group() if operator else "", word, nested, (at, end + 1))
                yield from find_uses(word, nested=True)
            at = text.find("$", end)
            continue
        name = _NAME.match(text, at + 1)
        if name:
            yield VariableUse(name.group(), nested=nested, span=(at, name.end()))
        at = text.find("$", name.end() if name else at + 1)


def _closing(text: str, at: int) -> int:
    """Where the brace that opens at `at` closes; the text's end when it does not."""
    depth = 0
    for place in range(at, len(text)):
        if text[place] == "{":
            depth += 1
        elif text[place] == "}":
            depth -= 1
            if depth == 0:
                return place
    return len(text)


def possible_texts(text: str, known: Mapping[str, str], env_texts: Iterable[str]) -> tuple[str, ...]:
    """Everything that `text` can become when compose interpolates it.

    `known` are variables whose value is certain; `env_texts` are the contents of env files that may set others.
    Raises UnknowableError rather than guess: this decides what compose is allowed to open.
    """
    if "$" not in text:
        return (text,)
    parts: list[tuple[str, ...]] = []
    at = 0
    uses = [use for use in find_uses(text) if not use.nested]
    if len(uses) > _MAX_CANDIDATES:
        raise UnknowableError("too many variables stand there")
    for use in uses:
        if not _SIMPLE.fullmatch(text[slice(*use.span)]):
            raise UnknowableError(f"${use.name} stands in a form that cannot be followed")
        parts += [(read_plain(text[at : use.span[0]]),), _values(use, known, tuple(env_texts))]
        at = use.span[1]
    parts.append((read_plain(text[at:]),))
    count = 1
    for part in parts:
        count *= len(part)
    if count > _MAX_CANDIDATES:
        raise UnknowableError("too many values are possible")
    return tuple(dict.fromkeys("".join(choice) for choice in itertools.product(*parts)))


def read_plain(text: str) -> str:
    """A text without variables. Raises UnknowableError for a lone `$`."""
    plain = text.replace("$$", "")
    if "$" in plain:
        raise UnknowableError("a lone `$` stands there; write `$$` for a dollar")
    return text.replace("$$", "$")


def _values(use: VariableUse, known: Mapping[str, str], env_texts: tuple[str, ...]) -> tuple[str, ...]:
    values: dict[str, None] = {}
    if use.name in known:
        values[known[use.name]] = None
    elif use.name in ("HOME", "PWD", "COMPOSE_PROJECT_NAME"):
        raise UnknowableError(f"${use.name} differs from node to node")
    else:
        for text in env_texts:
            values |= dict.fromkeys(_settings_of(use.name, text))
        values[""] = None
    if use.operator.endswith(("-", "+")):
        values[use.word] = None
    return tuple(values)


def _settings_of(name: str, text: str) -> Iterator[str]:
    """Every value that an env file may give to `name`; what is not plainly readable is unknowable."""
    simple = re.compile(rf"^[ \t]*(?:export[ \t]+)?{name}[ \t]*=[ \t]*(['\"]?)([^'\"#\s]*)\1[ \t]*(?:#.*)?\r?$", re.M)
    found = [match.group(2) for match in simple.finditer(text)]
    mentions = len(re.findall(rf"(?<![A-Za-z0-9_]){name}(?![A-Za-z0-9_])", re.sub(r"(?m)^[ \t]*#.*$", "", text)))
    if mentions > len(found) or not all(_SAFE_VALUE.fullmatch(value) for value in found):
        raise UnknowableError(f"the env file sets ${name} in a way that cannot be followed")
    yield from found


_LINE = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*[=:](.*)$", re.M)
# Debian 12's Python 3.11.2 captures wrongly around a possessive repeat of a group: none stands beside a capture here.
_ASSIGNED = re.compile(r"(?<![\w.-])([\w.-]++)[ \t]*+[=:][ \t]*+(?=[\"'])")
_SETTING_NAME = re.compile(r"[A-Za-z_].*", re.S)
_QUOTED_VALUE = re.compile(r""""[^"\\]*+(?:\\.[^"\\]*+)*+"|'[^']*+'""", re.S)


def read_settings(text: str) -> tuple[tuple[str, str], ...]:
    """The (name, value) pairs of an env file, each value in every spelling it may have once it is read.

    This is for hiding values, so it gives too many rather than too few.
    """
    pairs: dict[tuple[str, str], None] = {}
    for match in _LINE.finditer(text):
        raw = match[2].strip()
        uncommented = re.split(r"\s#", raw)[0].strip()
        for value in (raw, uncommented, uncommented.strip("\"'")):
            pairs[match[1], value] = None
    for name, quoted in _find_quoted(text):
        inside = quoted[1:-1]
        pairs[name, inside] = None
        if quoted[0] == '"' and "\\" in inside:
            unescaped = inside.replace("\\n", "\n").replace("\\r", "\r").replace("\\t", "\t")
            pairs[name, re.sub(r"\\(.)", r"\1", unescaped)] = None
    return tuple(pairs)


def _find_quoted(text: str) -> Iterator[tuple[str, str]]:
    """Each name with the quoted value after it, which may span lines."""
    position = 0
    while assigned := _ASSIGNED.search(text, position):
        position = assigned.end()
        name, quoted = _SETTING_NAME.search(assigned[1]), _QUOTED_VALUE.match(text, position)
        if name and quoted:
            position = quoted.end()
            yield name[0], quoted[0]
