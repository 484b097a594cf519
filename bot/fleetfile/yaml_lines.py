"""YAML that people wrote, loaded strictly, with the line of every value. Pure."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.error import YAMLError as RuamelError
from ruamel.yaml.scalarbool import ScalarBoolean

from bot.fleetfile.problems import Problem, YamlFileError

LARGEST_FILE = 256 * 1024  # characters; far above any real file of ours, far below what hurts


def load_mapping(text: str, *, path: str) -> CommentedMap:
    """The top-level mapping of a YAML text, each key with its place; an empty text is an empty mapping."""
    if len(text) > LARGEST_FILE:
        raise _unusable(1, f"the file is larger than {LARGEST_FILE} characters; shorten it", path)
    try:
        document = YAML(typ="rt").load(io.StringIO(text))
    except MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        raise _unusable(mark.line + 1 if mark else 1, _not_yaml(problem.problem), path) from None
    except (RuamelError, ValueError, RecursionError) as problem:
        raise _unusable(1, _not_yaml(str(problem)), path) from None
    if document is None:
        return CommentedMap()
    if not isinstance(document, CommentedMap):
        raise _unusable(1, "the file must be a mapping, such as `version: 1` on its first line", path)
    if _count_values(document, {}) > LARGEST_FILE:
        raise _unusable(
            1, "its aliases (`*name`) repeat too much; write out what they stand for, or remove them", path
        )
    return document


def _not_yaml(reason: str | None) -> str:
    return f"not valid YAML: {(reason or 'it cannot be read').splitlines()[0]}"


def _unusable(line: int, message: str, path: str) -> YamlFileError:
    return YamlFileError([Problem(line, message)], path=path)


def _count_values(value: object, counted: dict[int, int]) -> int:
    """How many values there are when every alias is written out: as many as characters at most, without aliases.

    An alias of what it is in itself is an empty value to ruamel.yaml, so that this ends.
    """
    if not isinstance(value, CommentedMap | CommentedSeq):
        return 1
    if id(value) not in counted:
        inner = value.values() if isinstance(value, CommentedMap) else value
        counted[id(value)] = 1 + sum(_count_values(item, counted) for item in inner)
    return counted[id(value)]


def plain(value: Any) -> Any:
    """A loaded value as dictionaries, lists and scalars, without the keys that are not text."""
    match value:
        case CommentedMap():
            return {key: plain(item) for key, item in value.items() if isinstance(key, str)}
        case CommentedSeq():
            return [plain(item) for item in value]
        case ScalarBoolean():  # a truth value with an anchor; a kind of int to Python
            return bool(value)
    return value


def line_at(document: CommentedMap, place: Sequence[str | int]) -> int:
    """The line of the value at `place`, such as ("nodes", "HP_LAB", "labels", 0), counted from 1.

    It is the line of the key or of the list's item; the line of what holds it when it is absent, or when a merge
    (`<<`) brought it in.
    """
    held: object = document
    line = 1
    for part in place:
        if isinstance(held, CommentedMap) and part in held:
            line, held = line_of(held, part), held[part]
        elif isinstance(held, CommentedSeq) and isinstance(part, int):
            line, held = int(held.lc.item(part)[0]) + 1, held[part]
    return line


def line_of(mapping: CommentedMap, key: object) -> int:
    """The line of `key`, counted from 1; of the mapping when a merge (`<<`) brought the key in or it is absent."""
    try:
        return int(mapping.lc.key(key)[0]) + 1
    except (KeyError, TypeError):
        return int(mapping.lc.line or 0) + 1


def kind_of(value: object) -> str:
    """What `value` is, in words that fit after "not"."""
    match value:
        case None:
            return "an empty value"
        case bool():
            return f"the truth value `{str(value).lower()}`"
        case int() | float():
            return f"the number {value}"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case date():
            return "a date"
    return "a value with a tag (`!`)"
