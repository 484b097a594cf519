"""The kinds of values that the fields of a fleet file have, for pydantic and for JSON Schema. Pure."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from bot.domain.risk_rules import RULES
from bot.fleetfile import shapes
from bot.fleetfile.shapes import Shape

T = TypeVar("T")
K = TypeVar("K")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class _Repeated(str):
    """A text that its list holds a second time."""

    __slots__ = ()


def _mark_repeated(items: object) -> object:
    """Mark repetitions, so that each is refused by itself and the other items are still checked."""
    if not isinstance(items, list):
        return items
    seen: set[str] = set()
    marked: list[object] = []
    for item in items:
        marked.append(_Repeated(item) if isinstance(item, str) and item in seen else item)
        if isinstance(item, str):
            seen.add(item)
    return marked


def _refuse_repeated(item: object) -> object:
    if isinstance(item, _Repeated):
        raise PydanticCustomError("repeated", "listed twice")
    return item


def _seconds(text: str) -> int:
    return int(text[:-1]) * _SECONDS[text[-1]]


def _number_as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _known_rule(rule: str) -> str:
    if rule not in RULES:
        raise ValueError("no such rule")
    return rule


def refuse_truth_value(value: object) -> object:
    """To Python, true equals 1."""
    if isinstance(value, bool):
        raise PydanticCustomError("no_number", "a boolean is not a number")
    return value


def text(shape: Shape, *, called: str = "", title: str | None = None) -> Any:
    """A text that fits `shape` as a whole; `called` is what it is as a key of a mapping."""
    # Python's `$` matches before a last line end too, ECMA's does not: the lookahead makes them equal.
    pattern = rf"^(?:{shape.pattern.pattern})$(?!\n)"
    message = f"{called} must be {shape.words}".lstrip()
    return Field(pattern=pattern, title=title, json_schema_extra={"patternErrorMessage": message})


NodeName = Annotated[str, text(shapes.NODE_NAME)]
StackName = Annotated[str, text(shapes.STACK_NAME)]
StackKey = Annotated[str, text(shapes.STACK_NAME, called="the stack")]
Label = Annotated[str, text(shapes.LABEL)]
Path = Annotated[str, text(shapes.PATH)]
Branch = Annotated[str, text(shapes.BRANCH)]
Repository = Annotated[str, text(shapes.REPOSITORY)]
Principal = Annotated[str, text(shapes.PRINCIPAL)]
Glob = Annotated[str, text(shapes.GLOB)]
VariableName = Annotated[str, text(shapes.VARIABLE, called="the variable name")]
VariableValue = Annotated[str, BeforeValidator(_number_as_text), WithJsonSchema({"type": ["string", "number"]})]
Duration = Annotated[str, text(shapes.DURATION), PlainSerializer(_seconds, return_type=int)]
"""A time such as `10m`; its value is in seconds."""
RuleId = Annotated[
    str,
    AfterValidator(_known_rule),
    WithJsonSchema(
        {"type": "string", "enum": list(RULES), "errorMessage": "docs/reference/risk-rules.md lists them"}
    ),
]

_NULLABLE_LIST: dict[str, Any] = {"type": ["array", "null"]}
NULLABLE_MAPPING: dict[str, Any] = {"type": ["object", "null"]}
_Distinct = Annotated[
    list[Annotated[T, BeforeValidator(_refuse_repeated)]],
    BeforeValidator(_mark_repeated),
    Field(json_schema_extra={"uniqueItems": True}),
]
NonEmpty = Annotated[_Distinct[T], Field(min_length=1)]
"""Texts, none twice, at least one."""
Listed = Annotated[
    _Distinct[T],
    BeforeValidator(lambda value: [] if value is None else value),
    Field(json_schema_extra=_NULLABLE_LIST),
]
"""Texts, none twice; nothing after the colon is an empty list."""
Mapped = Annotated[
    dict[K, T],
    BeforeValidator(lambda value: {} if value is None else value),
    Field(json_schema_extra=NULLABLE_MAPPING),
]
"""Values by names that the writer chose; nothing after the colon is an empty mapping."""

Wave = Annotated[
    list[NodeName],
    Field(
        min_length=1,
        title="wave",
        json_schema_extra={
            "uniqueItems": True,  # across waves, too: `checks.py`
            "errorMessage": "must be a list of at least one node, such as `[AIOS]`",
        },
    ),
]
COMMAND = ["sh", "scripts/make-certs.sh"]
_COMMAND_TEXT = f"[{', '.join(COMMAND)}]"
Command = Annotated[
    list[Annotated[str, text(shapes.ARGUMENT, title="word")]],
    Field(
        min_length=1,
        title="command",
        json_schema_extra={
            "errorMessage": f"must be a list of its words, such as `{_COMMAND_TEXT}`; no shell reads it"
        },
    ),
]
CommandList = Annotated[
    list[Command],
    Field(
        min_length=1, json_schema_extra={"errorMessage": f"must be a list of commands such as `[{_COMMAND_TEXT}]`"}
    ),
]
