"""The models of the fleet file are held to the values they become, to their examples, their schema and their page."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bot.domain.values import Value
from bot.fleetfile import (
    Commands,
    Deploy,
    DriftRules,
    Fleet,
    Hooks,
    Hub,
    Locks,
    Node,
    NoticeRules,
    ReviewRules,
    Submodule,
    models,
    parse_fleet,
)
from bot.fleetfile.reference import EDITOR_LINE, SCHEMA_ADDRESS, Schema, render_example, render_schema, schema_of
from tests.unit.fleetfile.test_parse import EXAMPLE, WRONG
from tools.docs.fleet_file import render_fleet_file

DOCS = Path(__file__).parents[3] / "docs"
SCHEMA = jsonschema_rs.validator_for(json.loads(render_schema()))

SECTIONS: list[tuple[type[models.FileSection], type[Value], set[str]]] = [
    (models.FleetDocument, Fleet, set()),
    (models.DeploySection, Deploy, set()),
    (models.DriftSection, DriftRules, set()),
    (models.SubmoduleSection, Submodule, {"path"}),
    (models.HooksSection, Hooks, set()),
    (models.NodeSection, Node, {"name"}),
    (models.CommandsSection, Commands, set()),
    (models.LocksSection, Locks, set()),
    (models.ReviewSection, ReviewRules, set()),
    (models.NotifySection, NoticeRules, set()),
    (models.HubDocument, Hub, set()),
]


def leaves(section: Schema, indent: str = "", lead: str = "") -> Iterator[str]:
    """A file for each example of each field that holds no section, with nothing else in it."""
    for name, field in section["properties"].items():
        head = f"{lead}{indent}{name}:"
        if "properties" in field:
            yield from leaves(field, indent + "  ", f"{head}\n")
        elif name in models.KEY_ATTRIBUTES:
            (key,) = field["examples"][0]
            yield from leaves(field["additionalProperties"], indent + "    ", f"{head}\n{indent}  {key}:\n")
        else:
            for example in examples(field):
                yield f"{head} {render_example(example)}\n"


def examples(field: Schema) -> list[Any]:
    if field["type"] == "boolean":
        return ["true", "false"]
    return list(field["enum"] if "enum" in field else field["examples"])


def plain(text: str) -> Any:
    """The file as an editor's schema check sees it."""
    return YAML(typ="safe").load(io.StringIO(text))


@pytest.mark.parametrize(("section", "value", "given"), SECTIONS, ids=lambda item: getattr(item, "__name__", ""))
def test_every_field_is_an_attribute_and_every_attribute_a_field(
    section: type[models.FileSection], value: type[Value], given: set[str]
) -> None:
    attributes = [field.name for field in msgspec.structs.fields(value)]
    assert [*given, *section.model_fields] == attributes
    for name, field in section.model_fields.items():
        assert field.description, name
        assert field.description[0].islower(), field.description
        assert not field.description.endswith("."), field.description


def test_every_section_is_held_to_its_value() -> None:
    assert {section for section, _, _ in SECTIONS} == set(models.FileSection.__subclasses__())


@pytest.mark.parametrize("text", list(leaves(schema_of(models.FleetDocument))))
def test_an_example_is_usable_and_its_value_has_the_declared_type(text: str) -> None:
    fleet = parse_fleet(text)
    assert msgspec.json.decode(msgspec.json.encode(fleet), type=Fleet) == fleet
    SCHEMA.validate(plain(text))


def test_the_example_with_the_editors_line_fits_the_schema() -> None:
    text = EXAMPLE.read_text()
    assert text.startswith(EDITOR_LINE + "\n")
    SCHEMA.validate(plain(text))


def test_the_schema_is_the_one_that_editors_fetch() -> None:
    text = (DOCS / "fleet-file.schema.json").read_text()
    assert render_schema() == text
    assert json.loads(text)["$id"] == SCHEMA_ADDRESS
    assert SCHEMA_ADDRESS.endswith("/main/docs/fleet-file.schema.json")
    assert "$ref" not in text


def test_the_page_is_made_from_the_models() -> None:
    assert render_fleet_file() == (DOCS / "reference/fleet-file.md").read_text()


@pytest.mark.parametrize(
    ("example", "text"),
    [
        ("main", "main"),
        (24, "24"),
        (["a", ["b", 1]], "[a, [b, 1]]"),
        ({"a": ["b"], "c": {}}, "{a: [b], c: {}}"),
    ],
)
def test_an_example_is_rendered_as_it_is_written(example: object, text: str) -> None:
    assert render_example(example) == text


SEEN_ONLY_BY_THE_BOT = {
    "name compose files in `files`",
    "the engine on the node itself",
    "add `b` to its stacks, or remove the line",
    "differ only in case",
    "larger than",
    "is not a node in this file",
    "a node is in one wave",
}
A_NUMBER_AS_NAME = "nodes:\n  1: {}"  # in JSON every name is text


def read_as_an_editor(text: str) -> Any:
    """The document, or None when it is not YAML or not JSON: an editor reports that without a schema."""
    try:
        return json.loads(json.dumps(plain(text)))
    except (YAMLError, ValueError):
        return None


@pytest.mark.parametrize(
    "text", [text for text, _, says in WRONG if says not in SEEN_ONLY_BY_THE_BOT and text != A_NUMBER_AS_NAME]
)
def test_the_editor_refuses_what_the_bot_refuses(text: str) -> None:
    document = read_as_an_editor(text)
    assert document is None or not SCHEMA.is_valid(document)
