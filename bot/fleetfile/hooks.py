"""`hooks:` of a node in the fleet file: commands around a deploy, as argument lists. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from bot.domain.names import StackName
from bot.domain.values import StoredValue
from bot.fleetfile.fields import Field, Part, Schema, Section, dotted, text_schema
from bot.fleetfile.shapes import ARGUMENT, STACK_NAME
from bot.fleetfile.yaml_lines import Reader, kind_of, line_of

Command = tuple[str, ...]
EXAMPLE = ("sh", "scripts/make-certs.sh")


class Hooks(StoredValue, frozen=True):
    """Commands that run in the node's checkout of the new commit, without a shell, before and after its change."""

    before: tuple[Command, ...] = ()  # around all stacks
    after: tuple[Command, ...] = ()
    before_stack: dict[StackName, tuple[Command, ...]] = {}  # around one stack that changes
    after_stack: dict[StackName, tuple[Command, ...]] = {}


def read_commands(reader: Reader, value: object, line: int, what: str) -> tuple[Command, ...]:
    """A list of argument lists; what is unusable is noted and left out."""
    if not isinstance(value, CommentedSeq) or not value:
        example = ", ".join(EXAMPLE)
        reader.problem(line, f"{what} must be a list of commands such as `[[{example}]]`, not {kind_of(value)}")
        return ()
    found = []
    for index, command in enumerate(value):
        at, name = int(value.lc.item(index)[0]) + 1, f"{what}, command {index + 1}"
        if not isinstance(command, CommentedSeq) or not command:
            cure = f"a list of its words, such as `[{', '.join(EXAMPLE)}]`; no shell reads it"
            reader.problem(at, f"{name} must be {cure}")
            continue
        words = (reader.text(word, at, name, ARGUMENT.pattern, EXAMPLE[0]) for word in command)
        found.append(tuple(word for word in words if word is not None))
    return tuple(found)


@dataclass(frozen=True)
class Commands(Field):
    """A list of commands."""

    def read(self, reader: Reader, fields: CommentedMap, within: str) -> object:
        return read_commands(reader, fields[self.name], line_of(fields, self.name), dotted(within, self.name))

    def schema(self) -> Schema:
        return commands_schema() | {"examples": [[list(EXAMPLE)]]}

    def describe(self) -> tuple[str, str]:
        return "list of commands, each a list of its words", f"[[{', '.join(EXAMPLE)}]]"


@dataclass(frozen=True)
class StackCommands(Field):
    """Lists of commands by the names of stacks."""

    def read(self, reader: Reader, fields: CommentedMap, within: str) -> object:
        where = dotted(within, self.name)
        lists = reader.read_mapping(fields, self.name, within)
        found = {}
        for name in (name for name in lists if isinstance(name, str)):
            at = line_of(lists, name)
            if reader.text(name, at, where, STACK_NAME.pattern, "secrets") is not None:
                found[StackName(str(name))] = read_commands(reader, lists[name], at, f"{where}.{name}")
        return found

    def schema(self) -> Schema:
        return {
            "type": ["object", "null"],
            "propertyNames": text_schema(STACK_NAME),
            "additionalProperties": commands_schema(),
            "examples": [{"secrets": [list(EXAMPLE)]}],
        }

    def describe(self) -> tuple[str, str]:
        return "mapping from stack to a list of commands", f"{{secrets: [[{', '.join(EXAMPLE)}]]}}"


def commands_schema() -> Schema:
    """A list of commands as JSON Schema."""
    command = {"type": "array", "items": text_schema(ARGUMENT), "minItems": 1}
    return {"type": "array", "items": command, "minItems": 1}


HOOKS = Part(
    "hooks",
    "commands that run on it around a deploy, in its checkout, without a shell",
    Section(
        Hooks,
        (
            Commands("before", "run when the new files are there, before any container is touched"),
            Commands("after", "run when everything is healthy; one that fails puts everything back"),
            StackCommands("before_stack", "the same, before a stack that changes"),
            StackCommands("after_stack", "the same, after a stack that changes"),
        ),
    ),
)
