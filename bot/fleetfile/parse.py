"""Parses a fleet file and a hub's file, and reports every problem at once: its line, its place and a cure. Pure.

What a message says of a place is the JSON Schema of that place: kind, limits and example are declared once.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple, TypeVar

import msgspec
from pydantic import ValidationError
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from bot.fleetfile.checks import Finding, find_contradictions
from bot.fleetfile.fleet import Fleet, Hub
from bot.fleetfile.models import KEY_ATTRIBUTES, FileSection, FleetDocument, HubDocument
from bot.fleetfile.problems import Problem, YamlFileError
from bot.fleetfile.reference import Schema, render_example, schema_of
from bot.fleetfile.yaml_lines import kind_of, line_at, line_of, load_mapping, plain

T = TypeVar("T", Fleet, Hub)
_KEY = "[key]"  # pydantic's last part of a place that is a key, not its value
_SHOWN = 60  # characters of a wrong text that a message repeats


def parse_fleet(text: str, *, path: str) -> Fleet:
    """The Fleet that `text` describes, or YamlFileError."""
    return _parse(text, FleetDocument, Fleet, path=path, called="the fleet file", check=find_contradictions)


def parse_hub(text: str, *, path: str) -> Hub:
    """The Hub that `text` describes, or YamlFileError."""
    return _parse(text, HubDocument, Hub, path=path, called="the hub's file", check=lambda _: ())


def _parse(
    text: str,
    model: type[FileSection],
    value: type[T],
    *,
    path: str,
    called: str,
    check: Callable[[dict[str, Any]], Iterable[Finding]],
) -> T:
    loaded: CommentedMap = load_mapping(text, path=path)
    document: dict[str, Any] = plain(loaded)
    problems = [*_names_that_are_no_text(loaded, called)]
    problems += [Problem(line_at(loaded, place), message) for place, message in check(document)]
    try:
        written = model.model_validate(document)
    except ValidationError as wrong:
        for error in wrong.errors(include_url=False):
            message = _explain(error["type"], error["loc"], error["input"], _Spot.top(schema_of(model), called))
            problems.append(Problem(line_at(loaded, error["loc"]), message))
    if problems:
        raise YamlFileError(problems, path=path)
    fields = written.model_dump(mode="json", exclude_unset=True)
    for name, key in KEY_ATTRIBUTES.items():
        if name in fields:
            fields[name] = [{key: own_key, **own} for own_key, own in fields[name].items()]
    return msgspec.convert(fields, value)


def _names_that_are_no_text(value: object, called: str, within: str = "") -> Iterator[Problem]:
    """YAML also has numbers and more as keys."""
    if isinstance(value, CommentedSeq):
        for item in value:
            yield from _names_that_are_no_text(item, called, within)
    if isinstance(value, CommentedMap):
        for key, item in value.items():
            yield from _names_that_are_no_text(item, called, f"{within}.{key}" if within else str(key))
            if not isinstance(key, str):
                message = f"{within or called}: the name {key!r} must be text; put it in quotes"
                yield Problem(line_of(value, key), message)


class _Spot(NamedTuple):
    """A place of a file: what its JSON Schema says, examples of it, and its name in messages."""

    schema: Schema
    examples: Sequence[Any]
    where: str

    @classmethod
    def top(cls, schema: Schema, called: str) -> _Spot:
        return cls(schema, (), called)

    def at(self, place: Sequence[str | int]) -> _Spot:
        """The place that the keys and positions of `place` lead to from the top of the file."""
        schema, examples, where = self.schema, self.examples, ""
        for part in place:
            if isinstance(part, int):
                schema, examples = schema["items"], [example[0] for example in examples]
                where = f"{where}, {schema.get('title', 'item')} {part + 1}"
            else:
                fields = schema.get("properties", {})
                examples = [] if part in fields else [next(iter(example.values())) for example in examples]
                schema = fields[part] if part in fields else schema["additionalProperties"]
                where = f"{where}.{part}" if where else str(part)
            examples = schema.get("examples", examples)
        return _Spot(schema, examples, where or self.where)


def _explain(kind: str, place: Sequence[str | int], value: Any, top: _Spot) -> str:
    """What is wrong at `place`, and what to write there."""
    if kind == "extra_forbidden":
        spot = top.at(place[:-1])
        name = str(place[-1])
        return f"{spot.where}: unknown setting `{name[:_SHOWN]}`; {_nearest(name, spot.schema['properties'])}"
    if place[-1] == _KEY and "propertyNames" in (mapping := top.at(place[:-2])).schema:
        return _explain_key(value, mapping)
    spot = top.at(place)
    if kind == "repeated":
        return f"{spot.where}: `{value}` is listed twice; remove one"
    return f"{spot.where}{_requirement(spot, value)}"


def _explain_key(key: str, mapping: _Spot) -> str:
    names = mapping.schema["propertyNames"]
    if "enum" in names:
        known = _nearest(key, names["enum"], otherwise=names.get("errorMessage"))
        return f"{mapping.where}: there is no `{key[:_SHOWN]}`; {known}"
    example = next(iter(mapping.examples[0]))
    return f"{mapping.where}: {names['patternErrorMessage']}, not {key[:_SHOWN]!r}; write something like `{example}`"


def _requirement(spot: _Spot, value: object) -> str:
    """What the value must be, as it follows the name of its place."""
    schema, example = spot.schema, render_example(spot.examples[0]) if spot.examples else ""
    shown = repr(value[:_SHOWN]) if isinstance(value, str) else kind_of(value)
    match schema:
        case {"errorMessage": str(message)}:
            return f" {message}, not {'an empty list' if value == [] else shown}"
        case {"const": const}:
            return f" must be {const}; this bot knows no other"
        case {"enum": [*words]}:
            return f" must be one of {', '.join(words)}, not {shown}"
        case {"type": "integer", "minimum": least, "maximum": most}:
            return f" must be a whole number from {least} to {most} such as `{example}`"
        case {"type": "boolean"}:
            return f" must be `true` or `false`, not {kind_of(value)}"
        case {"type": "array"} if value == []:
            return f": name at least one, such as `{render_example(spot.examples[0][0])}`, or leave the line out"
        case {"type": "array" | ["array", "null"]}:
            return f" must be a list such as `{example}`, not {kind_of(value)}"
        case {"type": "string", "patternErrorMessage": message} if isinstance(value, str):
            usable = " or ".join(f"`{render_example(example)}`" for example in spot.examples)
            return f": {shown} is not usable, it {message}; write something like {usable}"
        case {"type": "string"}:
            return f" must be text such as `{example}`, not {shown}{_quotes(value)}"
        case {"type": ["string", "number"]}:
            return f" must be text, not {shown}{_quotes(value)}"
    return f" must be a mapping (`name: value` lines), not {kind_of(value)}"


def _quotes(value: object) -> str:
    """Names such as `true`, `1.0` and `2026-01-01` are not text to YAML."""
    return " (put it in quotes if it is a name)" if isinstance(value, bool | int | float | date) else ""


def _nearest(word: str, known: Iterable[str], *, otherwise: str | None = None) -> str:
    near = difflib.get_close_matches(word, known := sorted(known), n=1)
    return f"did you mean `{near[0]}`?" if near else otherwise or f"known here: {', '.join(known)}"
