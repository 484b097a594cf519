"""YAML that a person wrote, read strictly: every problem is collected, with its line and a cure. Pure."""

from __future__ import annotations

import difflib
import io
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.error import YAMLError as RuamelError

from bot.domain.errors import BotError

LARGEST_FILE = 256 * 1024  # characters; far above any real file of ours, far below what hurts


class Problem(NamedTuple):
    """One thing that is wrong in a file. `line` counts from 1."""

    line: int
    message: str


class YamlFileError(BotError):
    """A file cannot be used. `problems` are in the order of their lines."""

    def __init__(self, problems: tuple[Problem, ...], *, path: str) -> None:
        self.problems = problems
        self.path = path
        super().__init__("\n".join(f"{path}:{line}: {message}" for line, message in problems))


def load_mapping(text: str, *, path: str) -> CommentedMap:
    """The top-level mapping of a YAML text, each key with its place; an empty text is an empty mapping."""
    if len(text) > LARGEST_FILE:
        raise YamlFileError(
            (Problem(1, f"the file is larger than {LARGEST_FILE} characters; shorten it"),), path=path
        )
    yaml = YAML(typ="rt")
    try:
        document = yaml.load(io.StringIO(text))
    except MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        said = (problem.problem or "not valid YAML").split("\n")[0]
        raise YamlFileError((Problem(mark.line + 1 if mark else 1, f"not valid YAML: {said}"),), path=path) from None
    except (RuamelError, ValueError, RecursionError) as problem:
        said = str(problem).split("\n")[0]
        raise YamlFileError((Problem(1, f"not valid YAML: {said}"),), path=path) from None
    if document is None:
        return CommentedMap()
    if not isinstance(document, CommentedMap):
        raise YamlFileError(
            (Problem(1, "the file must be a mapping, such as `version: 1` on its first line"),), path=path
        )
    return document


class Reader:
    """Collects problems, so that a person sees all of them at once.

    The `read_*` methods read the field `key` of `fields`; `within` says in messages where that is. What is
    unusable is noted and answered with the neutral value of its type.
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def problem(self, line: int, message: str) -> None:
        """Note that something is wrong at `line`."""
        self.problems.append(Problem(line, message))

    def mapping(self, value: object, line: int, what: str, known: Mapping[str, str] | None = None) -> CommentedMap:
        """`value` as a mapping with text keys; with `known`, only those (name -> what it is for)."""
        if value is None:
            return CommentedMap()
        if not isinstance(value, CommentedMap):
            self.problem(line, f"{what} must be a mapping (`name: value` lines), not {kind_of(value)}")
            return CommentedMap()
        for key in list(value):
            at = line_of(value, key)
            if not isinstance(key, str):
                self.problem(at, f"{what}: the name {key!r} must be text; put it in quotes")
            elif known is not None and key not in known:
                self.problem(at, f"{what}: unknown setting `{key}`{_did_you_mean(key, known)}")
        return value

    def text(self, value: object, line: int, what: str, pattern: re.Pattern[str], example: str) -> str | None:
        """`value` as text that fits `pattern`, or None with the problem noted."""
        if not isinstance(value, str):
            self.problem(line, f"{what} must be text such as `{example}`, not {kind_of(value)}")
            return None
        if not pattern.fullmatch(value):
            self.problem(line, f"{what}: {value[:60]!r} is not usable; write something like `{example}`")
            return None
        return str(value)

    def read_mapping(
        self, fields: CommentedMap, key: str, within: str, known: Mapping[str, str] | None = None
    ) -> CommentedMap:
        """The mapping at `key`; absent is empty."""
        return self.mapping(fields.get(key), line_of(fields, key), _dotted(within, key), known)

    def read_text(
        self, fields: CommentedMap, key: str, within: str, pattern: re.Pattern[str], example: str
    ) -> str | None:
        """The text at `key`, or None when absent or unusable."""
        if key not in fields:
            return None
        return self.text(fields[key], line_of(fields, key), _dotted(within, key), pattern, example)

    def read_texts(
        self, fields: CommentedMap, key: str, within: str, pattern: re.Pattern[str], example: str
    ) -> tuple[str, ...]:
        """The list of texts at `key`, each fitting `pattern`, none twice; absent is empty."""
        value, what = fields.get(key), _dotted(within, key)
        if value is None:
            return ()
        if not isinstance(value, CommentedSeq):
            self.problem(line_of(fields, key), f"{what} must be a list such as `[{example}]`, not {kind_of(value)}")
            return ()
        found: list[str] = []
        for index, item in enumerate(value):
            at = int(value.lc.item(index)[0]) + 1
            text = self.text(item, at, f"{what}, item {index + 1}", pattern, example)
            if text in found:
                self.problem(at, f"{what}: `{text}` stands there twice; remove one")
            elif text is not None:
                found.append(text)
        return tuple(found)

    def read_boolean(self, fields: CommentedMap, key: str, within: str) -> bool:
        """True or false at `key`; absent is false."""
        value = fields.get(key, False)
        if not isinstance(value, bool):
            self.problem(
                line_of(fields, key), f"{_dotted(within, key)} must be `true` or `false`, not {kind_of(value)}"
            )
            return False
        return value


def _dotted(within: str, key: str) -> str:
    return f"{within}.{key}" if within else key


def line_of(mapping: CommentedMap, key: object) -> int:
    """The line of `key`, counted from 1; of the mapping when a merge (<<) brought the key in or it is absent."""
    try:
        return int(mapping.lc.key(key)[0]) + 1
    except (KeyError, TypeError):
        return int(mapping.lc.line or 0) + 1


def kind_of(value: object) -> str:
    """What `value` is, in words that fit after "not"."""
    match value:
        case None:
            return "nothing"
        case bool():
            return f"the truth value `{str(value).lower()}` (put it in quotes if it is a name)"
        case int() | float():
            return f"the number {value} (put it in quotes if it is a name)"
        case str():
            return "text"
        case CommentedSeq():
            return "a list"
        case CommentedMap():
            return "a mapping"
    return f"a {type(value).__name__}"


def _did_you_mean(key: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(key, list(known), n=1)
    return f"; did you mean `{near[0]}`?" if near else f"; known here: {', '.join(sorted(known))}"
