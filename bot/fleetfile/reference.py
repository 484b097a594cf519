"""The format of the fleet file, for editors as JSON Schema and for people as a page. Pure, from the declarations."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec

from bot.fleetfile import FLEET, FLEET_FILE
from bot.fleetfile.fields import Each, Field, Part, Section

SCHEMA_ADDRESS = "https://raw.githubusercontent.com/Tecnocrat/aios-bot/main/docs/fleet-file.schema.json"
"""Where editors fetch the schema from, and what it calls itself."""

EDITOR_LINE = f"# yaml-language-server: $schema={SCHEMA_ADDRESS}"
"""The first line of a fleet file that editors check while one types."""


_INTRODUCTION = f"""\
`{FLEET_FILE}` in a fleet repository, read from the base branch only. Every field may be left out; an empty
file is a fleet without machines whose submodules are all kept up to date. What is wrong is told by the check run
`aios/fleet-file`, every problem at once, each with its line and a cure."""

_MORE = """\
A commented example is [docs/examples/aios-bot.yml](../examples/aios-bot.yml). This page is made from the code by
`make docs`."""


def render_schema() -> str:
    """The JSON Schema of the fleet file. What it refuses the bot refuses; the bot looks further (twins, lines)."""
    head = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": SCHEMA_ADDRESS,
        "title": f"{FLEET_FILE} of aios-bot",
    }
    return json.dumps(head | FLEET.schema(), indent=2) + "\n"


def render_reference() -> str:
    """The reference page: a table for each section."""
    parts = [
        "# The fleet file",
        _INTRODUCTION,
        f"For completion and checks while you type, let this be the first line:\n\n```yaml\n{EDITOR_LINE}\n```",
        _MORE,
        *(_render_section(where, about, section) for where, about, section in _sections("", "", FLEET)),
    ]
    return "\n\n".join(parts) + "\n"


def _sections(where: str, about: str, section: Section) -> Iterator[tuple[str, str, Section]]:  # type: ignore[type-arg]  # of any value
    yield where, about, section
    for field in section.fields:
        at = f"{where}.{field.name}" if where else field.name
        if isinstance(field, Part):
            yield from _sections(at, field.about, field.section)
        elif isinstance(field, Each):
            yield from _sections(f"{at}.<{field.called}>", field.about, field.section)


def _render_section(where: str, about: str, section: Section) -> str:  # type: ignore[type-arg]  # of any value
    defaults = {field.name: field.default for field in msgspec.structs.fields(section.value)}
    rows = [_render_row(field, defaults[field.name]) for field in section.fields]
    table = "\n".join(["| field | what it is for | what it may be | left out |", "| --- | --- | --- | --- |", *rows])
    title = f"## `{where}`\n\n{about[:1].upper()}{about[1:]}." if where else "## Top level"
    return f"{title}\n\n{table}"


def _render_row(field: Field, default: object) -> str:
    kind, example = field.describe()
    nested = isinstance(field, Part | Each)
    what = kind if nested else f"{kind}; such as `{example}`"
    cells = [f"`{field.name}`", field.about, what, "" if nested else _render_default(default)]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _render_default(default: object) -> str:
    match default:
        case bool():
            return f"`{str(default).lower()}`"
        case str() | int() if default:
            return f"`{default}`"
        case tuple() if default:
            return "`[" + ", ".join(str(item) for item in default) + "]`"
        case _:
            return ""
