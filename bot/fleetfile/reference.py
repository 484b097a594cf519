"""The format of the fleet file as JSON Schema, and the line that makes editors check it. Pure, from the models."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from bot.fleetfile import FLEET_FILE
from bot.fleetfile.models import FileSection, FleetDocument

Schema = dict[str, Any]

SCHEMA_ADDRESS = "https://raw.githubusercontent.com/Tecnocrat/aios-bot/main/docs/fleet-file.schema.json"
"""Where editors fetch the schema from, and the schema's own id."""

EDITOR_LINE = f"# yaml-language-server: $schema={SCHEMA_ADDRESS}"
"""The first line of a fleet file that editors check during typing."""


class _Generator(GenerateJsonSchema):
    """Without titles made from names, and without defaults: the values' defaults hold."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the signature is pydantic's
        return False

    def default_schema(self, schema: Any) -> Schema:
        return self.generate_inner(schema["schema"])


_ABOUT_THE_CLASS = ("title", "description")


@cache
def schema_of(document: type[FileSection]) -> Schema:
    """The JSON Schema of a document's model, with every definition where it is used."""
    schema = document.model_json_schema(schema_generator=_Generator)
    definitions = schema.pop("$defs", {})
    return {key: _inlined(value, definitions) for key, value in schema.items() if key not in _ABOUT_THE_CLASS}


def _inlined(schema: Any, definitions: Schema) -> Any:
    """Draft 7 ignores what is beside a `$ref`; and no schema for all values by one pattern of their names."""
    match schema:
        case {"$ref": str(name), **rest}:
            defined = definitions[name.removeprefix("#/$defs/")]
            own = {key: value for key, value in defined.items() if key not in _ABOUT_THE_CLASS}
            return _inlined(own | rest, definitions)
        case {"patternProperties": {**patterns}, **rest}:
            ((pattern, value),) = patterns.items()
            names = {"type": "string", "pattern": pattern, **schema["propertyNames"]}
            return _inlined(rest | {"propertyNames": names, "additionalProperties": value}, definitions)
        case {}:
            return {key: _inlined(value, definitions) for key, value in schema.items()}
        case [*items]:
            return [_inlined(item, definitions) for item in items]
    return schema


def render_schema() -> str:
    """The JSON Schema of the fleet file. What it refuses the bot refuses; the bot looks further (`checks.py`)."""
    head = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": SCHEMA_ADDRESS,
        "title": f"{FLEET_FILE} of aios-bot",
    }
    return json.dumps(head | schema_of(FleetDocument), indent=2) + "\n"


def render_example(example: object) -> str:
    """An example as one writes it after `name: `."""
    match example:
        case list():
            return f"[{', '.join(map(render_example, example))}]"
        case dict():
            return "{" + ", ".join(f"{key}: {render_example(item)}" for key, item in example.items()) + "}"
    return str(example)
