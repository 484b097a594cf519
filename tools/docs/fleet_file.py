"""The reference page of the fleet file, from the JSON Schema of its models and the defaults of its values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.domain.names import NodeName, SubmodulePath
from bot.domain.values import Value
from bot.fleetfile import FLEET_FILE, Fleet, Node, Submodule
from bot.fleetfile.models import KEY_ATTRIBUTES, FleetDocument
from bot.fleetfile.reference import EDITOR_LINE, Schema, render_example, schema_of
from bot.fleetfile.shapes import DURATION

_INTRODUCTION = f"""\
`{FLEET_FILE}` in a fleet repository, read from the base branch only. Every field may be left out; an empty
file is a fleet without machines whose submodules are all kept up to date. What is wrong is reported by the check run
`aios/fleet-file`: every problem at once, each with its line and a cure."""

_MORE = """\
A commented example is [docs/examples/aios-bot.yml](../examples/aios-bot.yml). This page is made from the code by
`make docs`."""

_ENTRIES = {"nodes": Node(name=NodeName("")), "submodules": Submodule(path=SubmodulePath(""))}
"""One entry of each mapping whose names the writer chooses, with the defaults of its fields."""


def render_fleet_file() -> str:
    """The reference page: a table for each section."""
    parts = [
        "# The fleet file",
        _INTRODUCTION,
        f"For completion and checks while you type, let this be the first line:\n\n```yaml\n{EDITOR_LINE}\n```",
        _MORE,
        *(_render_section(*section) for section in _sections("", schema_of(FleetDocument), Fleet())),
    ]
    return "\n\n".join(parts) + "\n"


def _sections(where: str, section: Schema, value: Value) -> Iterator[tuple[str, str, Schema, Value]]:
    yield where, section.get("description", ""), section["properties"], value
    for name, field in section["properties"].items():
        at = f"{where}.{name}" if where else name
        if "properties" in field:
            yield from _sections(at, field, getattr(value, name))
        elif name in _ENTRIES:
            entry = field["additionalProperties"] | {"description": field["description"]}
            yield from _sections(f"{at}.<{KEY_ATTRIBUTES[name]}>", entry, _ENTRIES[name])


def _render_section(where: str, about: str, fields: Schema, value: Value) -> str:
    rows = [_render_row(name, field, getattr(value, name)) for name, field in fields.items()]
    table = "\n".join(["| field | what it is for | what it may be | left out |", "| --- | --- | --- | --- |", *rows])
    title = f"## `{where}`\n\n{about[:1].upper()}{about[1:]}." if where else "## Top level"
    return f"{title}\n\n{table}"


def _render_row(name: str, field: Schema, default: object) -> str:
    examples = " or ".join(f"`{render_example(example)}`" for example in field.get("examples", ()) if example != {})
    nested = name in _ENTRIES or "properties" in field
    what = f"{_describe(field)}; such as {examples}" if examples and not nested else _describe(field)
    cells = [f"`{name}`", field["description"], what, "" if nested else _render_default(field, default)]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _describe(field: Any) -> str:
    """What may be written, in words."""
    match field:
        case {"const": const}:
            return f"the number {const}"
        case {"enum": [*words]}:
            return "one of " + ", ".join(f"`{word}`" for word in words)
        case {"type": "boolean"}:
            return "`true` or `false`"
        case {"type": "integer", "minimum": least, "maximum": most}:
            return f"whole number from {least} to {most}"
        case {"patternErrorMessage": str(message)}:
            return f"text: {message.removeprefix('must be ')}"
        case {"items": {"patternErrorMessage": str(message)}}:
            return f"list of texts, each {message.removeprefix('must be ')}"
        case {"items": item}:
            return f"list of {_describe(item).replace('list', 'lists', 1)}"
        case {"propertyNames": names, "additionalProperties": entry}:
            return _describe_mapping(names, entry)
        case {"type": ["string", "number"]}:
            return "text"
    return "mapping"


def _describe_mapping(names: Any, entry: Any) -> str:
    match names:
        case {"errorMessage": _}:
            return f"mapping from a rule of [the list](risk-rules.md) to {_describe(entry)}"
        case {"enum": _}:
            return f"mapping from {_describe(names)} to a {_describe(entry)}"
    kind = "the settings below" if "properties" in entry else f"a {_describe(entry)}"
    return f"mapping to {kind}; {names['patternErrorMessage']}"


def _render_default(field: Schema, default: Any) -> str:
    match default:
        case bool():
            return f"`{str(default).lower()}`"
        case int() if default and DURATION.pattern.pattern in field.get("pattern", ""):
            unit, seconds = next(
                (u, s) for u, s in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)) if default % s == 0
            )
            return f"`{default // seconds}{unit}`"
        case str() | int() if default:
            return f"`{default}`"
        case tuple() if default:
            return f"`{render_example(list(default))}`"
        case _:
            return ""
