"""The declarations of the fleet file are held to the values they become, to their examples and to their schema."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bot.fleetfile import FLEET, Fleet, parse_fleet
from bot.fleetfile.fields import Each, Field, Part, Section
from bot.fleetfile.reference import EDITOR_LINE, render_schema
from tests.unit.fleetfile.test_read import EXAMPLE, WRONG

SCHEMA = jsonschema_rs.validator_for(json.loads(render_schema()))

AnySection = Section[Any]


def sections(
    section: AnySection = FLEET, given: frozenset[str] = frozenset()
) -> Iterator[tuple[AnySection, frozenset[str]]]:
    """Every section, with the attributes that stand outside of it."""
    yield section, given
    for field in section.fields:
        if isinstance(field, Part):
            yield from sections(field.section)
        elif isinstance(field, Each):
            yield from sections(field.section, frozenset({field.called}))


def leaves(section: AnySection = FLEET, indent: str = "", lead: str = "") -> Iterator[tuple[Field, str]]:
    """Every field that holds no section, in a file with nothing but it and its example."""
    for field in section.fields:
        head = f"{lead}{indent}{field.name}:"
        if isinstance(field, Part):
            yield from leaves(field.section, indent + "  ", f"{head}\n")
        elif isinstance(field, Each):
            yield from leaves(field.section, indent + "    ", f"{head}\n{indent}  {field.example}:\n")
        else:
            yield field, f"{head} {field.describe()[1]}\n"


def plain(text: str) -> Any:
    """The file as an editor's schema check sees it."""
    return YAML(typ="safe").load(io.StringIO(text))


@pytest.mark.parametrize(
    ("section", "given"), list(sections()), ids=lambda item: getattr(item, "value", type(item)).__name__
)
def test_every_field_is_an_attribute_and_every_attribute_a_field(section: AnySection, given: frozenset[str]) -> None:
    attributes = {field.name for field in msgspec.structs.fields(section.value)}
    assert {field.name for field in section.fields} | given == attributes
    for field in section.fields:
        assert field.about, field.name
        assert field.about[0].islower(), field.about
        assert not field.about.endswith("."), field.about


@pytest.mark.parametrize(("field", "text"), [pytest.param(*leaf, id=leaf[1].replace("\n", "")) for leaf in leaves()])
def test_an_example_is_usable_and_its_value_has_the_declared_type(field: Field, text: str) -> None:
    fleet = parse_fleet(text)
    assert msgspec.json.decode(msgspec.json.encode(fleet), type=Fleet) == fleet
    SCHEMA.validate(plain(text))


def test_the_example_with_the_editors_line_fits_the_schema() -> None:
    text = EXAMPLE.read_text()
    assert text.startswith(EDITOR_LINE + "\n")
    SCHEMA.validate(plain(text))


SEEN_ONLY_BY_THE_BOT = {
    "name compose files in `files`",
    "the engine on the node itself",
    "add `b` to its stacks, or remove the line",
    "differ only in case",
    "larger than",
    "is no node of this file",
    "a node is in one wave",
}
A_NUMBER_AS_NAME = "nodes:\n  1: {}"  # in JSON every name is text


def read_as_an_editor(text: str) -> Any:
    """The document, or None when it is not YAML or not JSON: an editor says so without a schema."""
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
