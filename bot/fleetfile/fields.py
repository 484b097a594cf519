"""The kinds of fields that a fleet file is made of. Pure.

A field is declared once - name, what it is for, shape, example - and from that one declaration come its
reading, the messages about it, the JSON Schema and the reference page. A kind that is missing here may live in
the module of the section that needs it: anything with these four members is a field.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from ruamel.yaml.comments import CommentedMap

from bot.domain.values import Value
from bot.fleetfile.shapes import Shape
from bot.fleetfile.yaml_lines import Reader, kind_of, line_of

Schema = dict[str, Any]
T = TypeVar("T", bound=Value)
Check = Callable[[Reader, CommentedMap, T, str], None]
"""Looks at several fields of one section: reader, the mapping as written, the value read, where it stands."""


@dataclass(frozen=True)
class Field(ABC):
    """One `name: ...` of a section, and the attribute of the section's value that has the same name."""

    name: str
    about: str  # one line for a person; begins small, ends without a full stop

    @abstractmethod
    def read(self, reader: Reader, fields: CommentedMap, within: str) -> object:
        """The value of this field, which is present in `fields`; None: unusable, noted, use the default."""

    @abstractmethod
    def schema(self) -> Schema:
        """The field as JSON Schema, without its description."""

    @abstractmethod
    def describe(self) -> tuple[str, str]:
        """Kind in words, and an example as one writes it after `name: `."""


@dataclass(frozen=True)
class Text(Field):
    """One text that fits a shape."""

    shape: Shape
    example: str

    def read(self, reader: Reader, fields: CommentedMap, within: str) -> object:
        return reader.read_text(fields, self.name, within, self.shape.pattern, self.example_for(fields))

    def example_for(self, fields: CommentedMap) -> str:  # noqa: ARG002 - a kind of text whose example depends on others overrides this
        """What the message about a wrong one suggests."""
        return self.example

    def schema(self) -> Schema:
        return text_schema(self.shape) | {"examples": [self.example]}

    def describe(self) -> tuple[str, str]:
        return f"text: {self.shape.words}", self.example


@dataclass(frozen=True)
class Texts(Field):
    """A list of texts that fit a shape, none twice."""

    shape: Shape
    example: str

    def read(self, reader: Reader, fields: CommentedMap, within: str) -> object:
        return reader.read_texts(fields, self.name, within, self.shape.pattern, self.example)

    def schema(self) -> Schema:
        return {
            "type": ["array", "null"],
            "items": text_schema(self.shape),
            "uniqueItems": True,
            "examples": [[self.example]],
        }

    def describe(self) -> tuple[str, str]:
        return f"list of texts: {self.shape.words}", f"[{self.example}]"


@dataclass(frozen=True)
class Flag(Field):
    """True or false."""

    def read(self, reader: Reader, fields: CommentedMap, within: str) -> object:
        return reader.read_boolean(fields, self.name, within)

    def schema(self) -> Schema:
        return {"type": "boolean"}

    def describe(self) -> tuple[str, str]:
        return "`true` or `false`", "true"


@dataclass(frozen=True)
class Choice(Field):
    """One of a closed list of words."""

    words: type[StrEnum]

    def read(self, reader: Reader, fields: CommentedMap, within: str) -> object:
        value = fields[self.name]
        if value not in tuple(self.words):
            known = ", ".join(self.words)
            reader.problem(line_of(fields, self.name), f"{dotted(within, self.name)} must be one of {known}")
            return None
        return self.words(value)

    def schema(self) -> Schema:
        return {"enum": [str(word) for word in self.words]}

    def describe(self) -> tuple[str, str]:
        words = tuple(self.words)
        return "one of " + ", ".join(f"`{word}`" for word in words), str(words[0])


@dataclass(frozen=True)
class Number(Field):
    """A whole number between `least` and `most`, both included."""

    least: int
    most: int
    example: int

    def read(self, reader: Reader, fields: CommentedMap, within: str) -> object:
        value = fields[self.name]
        if isinstance(value, bool) or not isinstance(value, int) or not self.least <= value <= self.most:
            what = dotted(within, self.name)
            reader.problem(
                line_of(fields, self.name),
                f"{what} must be a whole number from {self.least} to {self.most} such as `{self.example}`",
            )
            return None
        return int(value)

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self.least, "maximum": self.most, "examples": [self.example]}

    def describe(self) -> tuple[str, str]:
        return f"whole number from {self.least} to {self.most}", str(self.example)


@dataclass(frozen=True)
class Section(Generic[T]):
    """A mapping of the file and the value it becomes. Every field is an attribute of `value`, with its default."""

    value: type[T]
    fields: tuple[Field, ...]
    checks: tuple[Check[T], ...] = ()

    def read(self, reader: Reader, fields: CommentedMap, within: str, **given: object) -> T:
        """`fields` as the value; `given` are attributes that stand elsewhere, such as a node's name."""
        found = {field.name: field.read(reader, fields, within) for field in self.fields if field.name in fields}
        usable = {name: value for name, value in found.items() if value is not None}
        made = self.value(**usable, **given)
        for check in self.checks:
            check(reader, fields, made, within)
        return made

    @property
    def known(self) -> dict[str, str]:
        """The fields that may stand here, each with what it is for."""
        return {field.name: field.about for field in self.fields}

    def schema(self) -> Schema:
        """The whole section as JSON Schema."""
        properties = {field.name: {"description": field.about} | field.schema() for field in self.fields}
        return {"type": ["object", "null"], "properties": properties, "additionalProperties": False}


@dataclass(frozen=True)
class Part(Field, Generic[T]):
    """A section inside a section."""

    section: Section[T]

    def read(self, reader: Reader, fields: CommentedMap, within: str) -> object:
        inner = reader.read_mapping(fields, self.name, within, self.section.known)
        return self.section.read(reader, inner, dotted(within, self.name))

    def schema(self) -> Schema:
        return self.section.schema()

    def describe(self) -> tuple[str, str]:
        return "mapping", "{...}"


@dataclass(frozen=True)
class Each(Field, Generic[T]):
    """A section for each of several names that the person chose. The names become the attribute `called`."""

    section: Section[T]
    called: str
    shape: Shape
    example: str

    def read(self, reader: Reader, fields: CommentedMap, within: str) -> object:
        where = dotted(within, self.name)
        entries = reader.read_mapping(fields, self.name, within)
        found = []
        for name in (name for name in entries if isinstance(name, str)):
            inner = reader.read_mapping(entries, name, where, self.section.known)
            at = line_of(entries, name)
            if reader.text(name, at, f"{where}: the {self.called}", self.shape.pattern, self.example) is not None:
                found.append(self.section.read(reader, inner, f"{where}.{name}", **{self.called: str(name)}))
        return tuple(found)

    def schema(self) -> Schema:
        return {
            "type": ["object", "null"],
            "propertyNames": text_schema(self.shape),
            "additionalProperties": self.section.schema(),
        }

    def describe(self) -> tuple[str, str]:
        return f"mapping from {self.called} ({self.shape.words}) to the settings below", f"{{{self.example}: ...}}"


@dataclass(frozen=True)
class NamedTexts(Field):
    """Lists of texts by names that the person chose; no list is empty."""

    names: Shape
    name_example: str
    shape: Shape
    example: str

    def read(self, reader: Reader, fields: CommentedMap, within: str) -> object:
        where = dotted(within, self.name)
        lists = reader.read_mapping(fields, self.name, within)
        found = {}
        for name in (name for name in lists if isinstance(name, str)):
            at = line_of(lists, name)
            if reader.text(name, at, where, self.names.pattern, self.name_example) is None:
                continue
            texts = reader.read_texts(lists, name, where, self.shape.pattern, self.example)
            if not texts and lists[name] in (None, []):
                cure = f"name at least one, such as `{self.example}`, or leave the line out"
                reader.problem(at, f"{where}.{name}: {cure}")
            found[str(name)] = texts
        return found

    def schema(self) -> Schema:
        texts = {"type": "array", "items": text_schema(self.shape), "uniqueItems": True, "minItems": 1}
        return {
            "type": ["object", "null"],
            "propertyNames": text_schema(self.names),
            "additionalProperties": texts,
            "examples": [{self.name_example: [self.example]}],
        }

    def describe(self) -> tuple[str, str]:
        return (
            f"mapping from name to a list of texts: {self.shape.words}",
            f"{{{self.name_example}: [{self.example}]}}",
        )


@dataclass(frozen=True)
class Variables(Field):
    """Texts by variable names; numbers are taken as they are written."""

    names: Shape
    example: tuple[str, str]

    def read(self, reader: Reader, fields: CommentedMap, within: str) -> object:
        where = dotted(within, self.name)
        variables = reader.read_mapping(fields, self.name, within)
        found = {}
        for name in (name for name in variables if isinstance(name, str)):
            value, at = variables[name], line_of(variables, name)
            if not self.names.pattern.fullmatch(name):
                reader.problem(at, f"{where}: {name[:60]!r} is no variable name; use {self.names.words}")
            elif isinstance(value, bool) or not isinstance(value, str | int | float):
                reader.problem(at, f"{where}.{name} must be text, not {kind_of(value)}")
            else:
                found[str(name)] = str(value)
        return found

    def schema(self) -> Schema:
        return {
            "type": ["object", "null"],
            "propertyNames": text_schema(self.names),
            "additionalProperties": {"type": ["string", "number"]},
            "examples": [dict([self.example])],
        }

    def describe(self) -> tuple[str, str]:
        return "mapping from variable name to text", f"{{{self.example[0]}: {self.example[1]}}}"


def text_schema(shape: Shape) -> Schema:
    """A text of `shape` as JSON Schema, whose patterns match anywhere unless anchored."""
    return {"type": "string", "pattern": f"^(?:{shape.pattern.pattern})$"}


def dotted(within: str, name: str) -> str:
    """Where `name` stands, for a message."""
    return f"{within}.{name}" if within else name
