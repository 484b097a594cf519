"""Say what a Dockerfile does in one text: equal texts, equal images. Pure.

Whatever leaves no trace in the image has one spelling: how stages are called, in which order those stand that do not
need each other, how the words of COPY and ADD are written, the protocol that EXPOSE means when it names none, the
quotes of ENV and LABEL, and the spaces in a list.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

from bot.plan.dockerfile import BuildStage, Dockerfile, Instruction, NotUnderstoodError

_FROM = re.compile(r"(^|,)from=([^,]*)", re.IGNORECASE)
_PORT = re.compile(r"[0-9]+(?:-[0-9]+)?(?:/[a-z]+)?")
_PAIR = re.compile(r"""(?<!\S)([A-Za-z_][\w.-]*)=(?:"([^"\\$`]*)"|([^\s"'\\$`]*))(?:\s+|$)""")


def describe_effect(file: Dockerfile, needed: Sequence[BuildStage], wanted: Sequence[int]) -> str:
    """What the `needed` stages of a build do that makes the stages `wanted`."""
    numbers = [at for at, stage in enumerate(file.stages) if stage in needed]
    index = index_stages(file)
    named = {
        at: {name: stages_named(index, name, at) for name in dict.fromkeys(_names(file.stages[at]))} for at in numbers
    }
    is_certain = len(wanted) == 1 and not any(
        "$" in name or len(found) > 1 for own in named.values() for name, found in own.items()
    )
    order = _walk(wanted[0], named) if is_certain else numbers
    places = {at: f"stage {place}" for place, at in enumerate(order)} if is_certain else {}
    lines = [*file.settings]
    for at in order:
        stage = file.stages[at]
        called = {name: places[found[0]] for name, found in named[at].items() if found} if is_certain else {}
        base = called.get(stage.base, stage.start.rest.split()[0]) if is_certain else stage.start.rest
        lines.append(_spell(stage.start._replace(rest=base), {}))
        lines += (_spell(step, called) for step in stage.steps)
    return "\n".join(lines)


def _walk(first: int, named: Mapping[int, Mapping[str, Sequence[int]]]) -> list[int]:
    """The stages in the order in which the first one leads to them."""
    waiting, found = [first], dict[int, None]()
    while waiting:
        at = waiting.pop()
        if at not in found:
            found[at] = None
            waiting += reversed([one for stages in named[at].values() for one in stages])
    return list(found)


def index_stages(file: Dockerfile) -> dict[str, list[int]]:
    """The numbers of the stages, in their order, by name."""
    found: dict[str, list[int]] = {}
    for at, stage in enumerate(file.stages):
        found.setdefault(stage.name, []).append(at)
    return found


def stages_named(index: Mapping[str, Sequence[int]], name: str, before: int) -> list[int]:
    """The stages before stage number `before` that `name`, in small letters, may mean."""
    called = index.get(name, ())
    found = {*called[: bisect_left(called, before)]}
    if name.isdecimal() and int(name[:9]) < before:
        found.add(int(name[:9]))
    return sorted(found)


def _names(stage: BuildStage) -> Iterator[str]:
    """What a stage names that may be another one, in its order."""
    yield stage.base
    for step in stage.steps:
        for name, value in step.flags:
            if name == "from":
                yield value.lower()
            elif name == "mount" and (options := read_options(value)).get("from"):
                yield options["from"].lower()


def _spell(step: Instruction, called: Mapping[str, str]) -> str:
    """One instruction in one line; `called` are the stages that it may name."""

    def call(value: str) -> str:
        return called.get(value.lower(), value)

    flags = [
        (name, call(value) if name == "from" else _FROM.sub(lambda found: f"{found[1]}from={call(found[2])}", value))
        for name, value in step.flags
    ]
    return json.dumps([step.verb, flags, _spell_words(step), step.documents])


def _spell_words(step: Instruction) -> str | list[str]:
    """What stands behind the verb, in the one spelling of all that mean the same."""
    if step.verb in ("add", "copy"):
        return read_words(step)
    if step.verb in ("cmd", "entrypoint", "shell", "volume"):
        return _read_list(step.rest) or step.rest
    ports = step.rest.lower().split()
    if step.verb == "expose" and ports and all(map(_PORT.fullmatch, ports)):
        return sorted({port if "/" in port else f"{port}/tcp" for port in ports})
    if step.verb in ("env", "label"):
        pairs = list(_PAIR.finditer(step.rest))
        if "".join(pair[0] for pair in pairs) == step.rest:
            return [f"{pair[1]}={pair[2] or pair[3] or ''}" for pair in pairs]
    return step.rest


def _read_list(text: str) -> list[str] | None:
    """The words of a JSON list of texts; None for anything else."""
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return words if isinstance(words, list) and all(isinstance(word, str) for word in words) else None


def read_options(value: str) -> dict[str, str]:
    """The options of a mount."""
    found = {}
    for option in value.split(","):
        name, _, given = option.partition("=")
        found[{"src": "source"}.get(name.lower(), name.lower())] = given
    return found


def read_words(step: Instruction) -> list[str]:
    """Sources and destination: a JSON list, or words."""
    words = step.rest.split()
    if step.rest.startswith("["):
        try:
            given = json.loads(step.rest)
        except ValueError:
            raise NotUnderstoodError(f"line {step.line}: a list that is not JSON") from None
        if not isinstance(given, list) or not all(isinstance(word, str) for word in given):
            raise NotUnderstoodError(f"line {step.line}: a list of something else")
        words = given
    elif any(character in step.rest for character in "\"'") and "<<" not in step.rest:
        raise NotUnderstoodError(f"line {step.line}: quotes")
    if len(words) < 2:
        raise NotUnderstoodError(f"line {step.line}: too few words")
    return words
