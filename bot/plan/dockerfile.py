"""Split a Dockerfile into its stages and their instructions. Pure.

The rules: https://docs.docker.com/reference/dockerfile/, and moby/buildkit v0.27 frontend/dockerfile/parser. Whoever
reads a Dockerfile here wants to know what is certain: what two builders may read in two ways is not understood. A
stranger may have written it: time grows with the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

_LARGEST = 100_000  # characters
_DIRECTIVE = re.compile(r"#[ \t]*([a-zA-Z][a-zA-Z0-9]*)[ \t]*=[ \t]*(\S.*)")
_FRONTEND = re.compile(r"(?:docker\.io/)?docker/dockerfile(?:-upstream)?(?:[:@]\S+)?")
_UNUSUAL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")  # where Python and Go end lines in two ways
_HEREDOC = re.compile(r"[0-9]*<<(-?)(['\"]?)([A-Za-z0-9_.]+)\2")
_WITH_HEREDOCS = ("add", "copy", "run")
_ARGUMENT = re.compile(r'(?<!\S)([A-Za-z_]\w*)(?:=("[^"]*"|[^\s"]*))?(?:\s+|$)')
LONGEST_VALUE = 4096  # characters of an argument; no image's name comes near
_USE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?::?-([^${}]*))?\})")


class NotUnderstoodError(Exception):
    """What the Dockerfile means is not certain. `str(error)` says why."""


class Instruction(NamedTuple):
    """One instruction, on one line. `verb` is in small letters; `line` counts from 1."""

    verb: str
    flags: tuple[tuple[str, str], ...]
    rest: str
    line: int
    documents: tuple[str, ...] = ()  # the contents of its heredocs


class BuildStage(NamedTuple):
    """What stands between one FROM and the next. `base` and `name` are in small letters."""

    base: str
    name: str
    start: Instruction
    steps: tuple[Instruction, ...]


class Dockerfile(NamedTuple):
    """`settings` are its directives and the arguments before the first stage."""

    settings: tuple[str, ...]
    stages: tuple[BuildStage, ...]


def parse_dockerfile(text: str) -> Dockerfile:
    """The stages of a Dockerfile. Raises NotUnderstoodError."""
    if len(text) > _LARGEST or _UNUSUAL.search(text):
        raise NotUnderstoodError("it is too long, or has unusual characters")
    lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
    directives = _read_directives(lines)
    settings = [f"{name}={value}" for name, value in directives.items() if name != "check"]
    starts: list[Instruction] = []
    steps: list[list[Instruction]] = []
    for instruction in _read_instructions(lines, len(directives), directives.get("escape", "\\")):
        if instruction.verb == "from":
            starts.append(instruction)
            steps.append([])
        elif starts:
            steps[-1].append(instruction)
        elif instruction.verb == "arg":
            settings.append(f"arg {instruction.rest}")
        else:
            raise NotUnderstoodError("an instruction stands before the first FROM")
    return Dockerfile(
        settings=tuple(settings),
        stages=tuple(_stage(start, own) for start, own in zip(starts, steps, strict=True)),
    )


def fill_in(file: Dockerfile, arguments: Mapping[str, str | None]) -> Dockerfile:
    """`file` with the variables of each FROM in their place, as far as they are certain; the others stay.

    `arguments` are those of the build, which count more than what the file says; None: only the node knows.
    """
    values: dict[str, str | None] = {}
    for rest in (setting.removeprefix("arg ") for setting in file.settings if setting.startswith("arg ")):
        for name, default in _ARGUMENT.findall(rest):
            is_plain = not any(character in rest for character in "'\\")
            own = _expand(default.strip('"'), values) if is_plain else None
            values[name] = arguments.get(name, own)
    return file._replace(stages=tuple(_filled(stage, values) for stage in file.stages))


def find_default(text: str, name: str) -> str | None:
    """The value that the argument `name` has wherever a Dockerfile declares it, when the build gives it none.

    None where that is not certain: nobody declares it, or in two ways, without a value, or with one made of others.
    """
    try:
        file = parse_dockerfile(text)
        before = [
            value
            for rest in (setting.removeprefix("arg ") for setting in file.settings if setting.startswith("arg "))
            for value in _defaults(rest, name)
        ]
        found = set(before)
        for step in (step for stage in file.stages for step in stage.steps if step.verb == "arg"):
            # Declared again in a stage, it has the value that it has before the first one.
            found.update(before[-1] if value is None and before else value for value in _defaults(step.rest, name))
    except NotUnderstoodError:
        return None
    return found.pop() if len(found) == 1 else None


def _defaults(rest: str, name: str) -> list[str | None]:
    """What one ARG gives `name`; None: nothing."""
    pairs = list(_ARGUMENT.finditer(rest))
    if "".join(pair[0] for pair in pairs) != rest or any(character in rest for character in "'\\$"):
        raise NotUnderstoodError("an argument of unknown form")
    return [pair[2].strip('"') if pair[2] is not None else None for pair in pairs if pair[1] == name]


def _filled(stage: BuildStage, values: Mapping[str, str | None]) -> BuildStage:
    base = _expand(stage.start.rest.split()[0], values) if "$" in stage.base else None
    return stage._replace(base=base.lower()) if base else stage


def _expand(text: str, values: Mapping[str, str | None]) -> str | None:
    """`text` with `values` in the place of its variables; None where it is not certain what it becomes, or too long.

    Each value may hold the one before it twice, so that a few lines would fill the memory.
    """
    parts: list[str] = []
    at = 0
    for use in _USE.finditer(text):
        value = values.get(use[1] or use[2])
        if value is None:
            return None
        parts += [text[at : use.start()], value or use[3] or ""]
        at = use.end()
    parts.append(text[at:])
    if sum(map(len, parts)) > LONGEST_VALUE:
        return None
    found = "".join(parts)
    return None if "$" in found else found


def _stage(start: Instruction, steps: list[Instruction]) -> BuildStage:
    match start.rest.split():
        case [base]:
            name = ""
        case [base, word, name] if word.lower() == "as":
            pass
        case _:
            raise NotUnderstoodError("a FROM of unknown form")
    return BuildStage(base.lower(), name.lower(), start, tuple(steps))


def _read_directives(lines: list[str]) -> dict[str, str]:
    """The directives at the top, one a line."""
    found: dict[str, str] = {}
    for line in lines:
        match = _DIRECTIVE.fullmatch(line.strip())
        name = match[1].lower() if match else ""
        if match is None or name not in ("syntax", "escape", "check"):
            break
        if name in found:
            raise NotUnderstoodError(f"the directive {name} stands there twice")
        found[name] = match[2]
    if found.get("escape", "\\") not in ("\\", "`"):
        raise NotUnderstoodError("an unknown escape character")
    if "syntax" in found and not _FRONTEND.fullmatch(found["syntax"]):
        raise NotUnderstoodError("another frontend reads it")
    return found


def _read_instructions(lines: list[str], at: int, escape: str) -> Iterator[Instruction]:
    """The instructions from line `at` on, each with the lines that continue it and its heredocs."""
    while at < len(lines):
        start = at
        parts: list[str] = []
        goes_on = True
        while goes_on and at < len(lines):
            line, at = lines[at], at + 1
            if not line.strip() or line.lstrip().startswith("#"):
                if not parts:
                    start = at
                continue  # also between the parts of an instruction
            ended = line.rstrip(" \t")
            goes_on = ended.endswith(escape)
            if ended.endswith(escape * 2):
                raise NotUnderstoodError("a line ends in two escape characters")
            parts.append(ended.removesuffix(escape) if goes_on else line)
        if not parts:
            return
        text = "".join(parts).strip()
        if not text:
            raise NotUnderstoodError("a line that only continues")
        instruction = _parse(text, start + 1)
        ends = _find_heredocs(instruction) if instruction.verb in _WITH_HEREDOCS else []
        documents: list[str] = []
        for end, is_indented in ends:
            document, at = _read_document(lines, at, end, is_indented=is_indented)
            documents.append(document)
        yield instruction._replace(documents=tuple(documents))


def _parse(text: str, line: int) -> Instruction:
    verb, *after = text.split(None, 1)
    rest = after[0] if after else ""
    flags = []
    while rest.startswith("--"):
        flag, *more = rest.split(None, 1)
        if any(character in flag for character in "\"'\\`"):
            raise NotUnderstoodError("a flag in quotes")
        name, _, value = flag.removeprefix("--").partition("=")
        flags.append((name.lower(), value))
        rest = more[0] if more else ""
    return Instruction(verb.lower(), tuple(flags), rest, line)


def _find_heredocs(instruction: Instruction) -> list[tuple[str, bool]]:
    """The delimiters of an instruction's heredocs, and whether tabs may stand before them."""
    before, found, _ = instruction.rest.partition("<<")
    if not found:
        return []
    if any(character in before for character in "\"'\\`#"):
        raise NotUnderstoodError("it is not certain where a heredoc begins")
    ends = []
    for word in instruction.rest.split():
        if "<<" not in word:
            continue
        match = _HEREDOC.fullmatch(word)
        if match is None:
            raise NotUnderstoodError("it is not certain where a heredoc begins")
        ends.append((match[3], bool(match[1])))
    return ends


def _read_document(lines: list[str], at: int, end: str, *, is_indented: bool) -> tuple[str, int]:
    start = at
    while at < len(lines):
        line, at = lines[at], at + 1
        if (line.lstrip("\t") if is_indented else line) == end:
            return "\n".join(lines[start : at - 1]), at
    raise NotUnderstoodError(f"the heredoc {end} has no end")
