"""Every value that is stored or sent: found by its base, made at random, and written as a later version would."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

import bot
from bot.domain.values import StoredValue

LATER = "added_by_a_later_version"


def stored_types() -> tuple[type[StoredValue], ...]:
    """Each class of stored values in the program, by name."""
    for module in pkgutil.walk_packages(bot.__path__, "bot."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return tuple(sorted(_below(StoredValue), key=lambda kind: (kind.__module__, kind.__name__)))


def _below(kind: type[StoredValue]) -> Iterator[type[StoredValue]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


@cache
def values_of(kind: Any, leave_out: frozenset[str] = frozenset()) -> st.SearchStrategy[Any]:
    """Values of `kind`, with every field at random but for `leave_out`.

    That names fields ("Order.requires"), members ("OrderEnd.FAILED") and classes of a union ("RepeatChecks").
    """
    return _values(inspect.type_info(kind), leave_out)


def _values(info: inspect.Type, leave_out: frozenset[str]) -> st.SearchStrategy[Any]:
    match info:
        case inspect.StructType():
            fields = {
                field.name: _values(field.type, leave_out)
                for field in info.fields
                if f"{info.cls.__name__}.{field.name}" not in leave_out
            }
            return st.builds(info.cls, **fields)
        case inspect.UnionType():
            kept = [one for one in info.types if getattr(getattr(one, "cls", None), "__name__", "") not in leave_out]
            return st.one_of(*(_values(one, leave_out) for one in kept))
        case inspect.VarTupleType():
            return st.lists(_values(info.item_type, leave_out), max_size=2).map(tuple)
        case inspect.FrozenSetType():
            return st.frozensets(_values(info.item_type, leave_out), max_size=2)
        case inspect.DictType():
            keys, values = _values(info.key_type, leave_out), _values(info.value_type, leave_out)
            return st.dictionaries(keys, values, max_size=2)
        case inspect.EnumType():
            return st.sampled_from([one for one in info.cls if f"{info.cls.__name__}.{one.name}" not in leave_out])
    return _PLAIN[type(info)]


_PLAIN: dict[type, st.SearchStrategy[Any]] = {
    inspect.StrType: st.text(max_size=12),
    inspect.IntType: st.integers(-(2**53), 2**53),
    inspect.FloatType: st.floats(-(2.0**53), 2.0**53),
    inspect.BoolType: st.booleans(),
    inspect.NoneType: st.none(),
}


def covering_values(kind: Any, leave_out: frozenset[str] = frozenset()) -> list[Any]:
    """Values of `kind` that set each field to each kind of value it takes, one field at a time; always the same.

    `leave_out` as for `values_of`. The number grows with the sum of the fields, not with their combinations.
    """
    return _covering(inspect.type_info(kind), leave_out)


def _covering(info: inspect.Type, leave_out: frozenset[str]) -> list[Any]:
    match info:
        case inspect.StructType():
            fields = [one for one in info.fields if f"{info.cls.__name__}.{one.name}" not in leave_out]
            options = {one.name: _covering(one.type, leave_out) for one in fields}
            least = {one.name: options[one.name][0] for one in fields if one.required}
            return [
                info.cls(**least),
                *(info.cls(**{**least, name: option}) for name, several in options.items() for option in several),
            ]
        case inspect.UnionType():
            kept = [one for one in info.types if getattr(getattr(one, "cls", None), "__name__", "") not in leave_out]
            return [option for one in kept for option in _covering(one, leave_out)]
        case inspect.VarTupleType():
            options_of_one = _covering(info.item_type, leave_out)
            return [(), *((option,) for option in options_of_one), tuple(options_of_one[:2])]
        case inspect.FrozenSetType():
            return [frozenset(), *(frozenset({option}) for option in _covering(info.item_type, leave_out))]
        case inspect.DictType():
            keys, values = _covering(info.key_type, leave_out), _covering(info.value_type, leave_out)
            return [{}, *({key: values[0]} for key in keys), *({keys[0]: value} for value in values)]
        case inspect.EnumType():
            return [one for one in info.cls if f"{info.cls.__name__}.{one.name}" not in leave_out]
    return _PLAIN_OPTIONS[type(info)]


_PLAIN_OPTIONS: dict[type, list[Any]] = {
    inspect.StrType: ["", "a b", "\u00fc\u2028\n"],
    inspect.IntType: [0, 1, -(2**53)],
    inspect.FloatType: [0.0, 0.5],
    inspect.BoolType: [False, True],
    inspect.NoneType: [None],
}


def structs_within(kind: type[Any]) -> frozenset[type[Any]]:
    """`kind`, and every class of values that it may hold."""
    found: set[type[Any]] = set()

    def look(info: object) -> None:
        if isinstance(info, inspect.StructType):
            if info.cls not in found:
                found.add(info.cls)
                look(info.fields)
        elif isinstance(info, tuple):
            for one in info:
                look(one)
        elif isinstance(info, inspect.Field):
            look(info.type)
        elif isinstance(info, inspect.Type):
            look(tuple(getattr(info, name) for name in info.__struct_fields__))

    look(inspect.type_info(kind))
    return frozenset(found)


def with_later_fields(value: object) -> object:
    """`value` as JSON of a later version, which has one more field in every stored value."""
    match value:
        case StoredValue():
            config = value.__struct_config__
            tag = {config.tag_field: config.tag} if config.tag_field is not None else {}
            fields = msgspec.structs.fields(value)
            own = {field.encode_name: with_later_fields(getattr(value, field.name)) for field in fields}
            return tag | {LATER: {"set": [1, None]}} | own
        case tuple() | frozenset():
            return [with_later_fields(item) for item in value]
        case dict():
            return {name: with_later_fields(item) for name, item in value.items()}
    return value
