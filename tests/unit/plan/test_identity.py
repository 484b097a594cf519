"""A plan's id: changed by whatever the plan says, and by nothing else; the same as in the version before."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain.names import CommitSha
from bot.plan import identity
from bot.plan.identity import identify_plan, to_builtins
from bot.plan.model import Image, NodePlan, Plan, Reason, Risk, ServicePlan, SourceLine, StackPlan
from bot.plan.report.text import render_json
from tests.stored_values import structs_within, values_of

pytestmark = pytest.mark.portable
BASE, OLD, NEW = CommitSha("a" * 40), CommitSha("b" * 40), CommitSha("c" * 40)
FIRST = {SourceLine: 2, Reason: 3, Risk: 4, Image: 2, ServicePlan: 8, StackPlan: 14, NodePlan: 3}


def every_field(value: Any) -> Any:
    """A value with all fields and their defaults."""
    if isinstance(value, msgspec.Struct):
        return {name: every_field(getattr(value, name)) for name in value.__struct_fields__}
    return [every_field(one) for one in value] if isinstance(value, tuple) else value


def first_fields(value: Any) -> Any:
    """How the version before wrote a value: whole, with the defaults of the fields that it knew."""
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.fields(value)
        kept = [f for at, f in enumerate(fields) if at < FIRST[type(value)] or getattr(value, f.name) != f.default]
        return {field.name: first_fields(getattr(value, field.name)) for field in kept}
    return [first_fields(one) for one in value] if isinstance(value, tuple) else value


@given(values_of(tuple[NodePlan, ...]))
def test_the_id_is_that_of_the_version_before(nodes: tuple[NodePlan, ...]) -> None:
    whole = msgspec.json.encode([BASE, OLD, NEW, first_fields(nodes)], order="deterministic")
    before = hashlib.sha256(whole).hexdigest()
    assert identify_plan(BASE, OLD, NEW, nodes) == before[:12]


def test_the_commits_are_in_the_id() -> None:
    ids = {identify_plan(base, old, new, ()) for base in (BASE, NEW) for old in (OLD, None) for new in (OLD, NEW)}
    assert len(ids) == 8


@given(values_of(NodePlan), st.data())
def test_whatever_a_plan_says_changes_its_id(node: NodePlan, data: st.DataObject) -> None:
    other = data.draw(values_of(NodePlan))
    assume(other != node)
    assert identify_plan(BASE, OLD, NEW, (node,)) != identify_plan(BASE, OLD, NEW, (other,))
    name = data.draw(st.sampled_from(NodePlan.__struct_fields__))
    mixed = msgspec.structs.replace(node, **{name: getattr(other, name)})
    same = identify_plan(BASE, OLD, NEW, (node,)) == identify_plan(BASE, OLD, NEW, (mixed,))
    assert same is (mixed == node)


def test_every_kind_of_value_in_a_plan_is_counted() -> None:
    """A class that is added is written down here with all its fields, a later field only in its class."""
    assert structs_within(NodePlan) == frozenset(FIRST)
    assert identity._FIELDS_OF_FIRST_VERSION == FIRST


class Later(msgspec.Struct, frozen=True):
    first: str = ""
    second: int = 0
    third: str = ""


def test_a_later_field_counts_once_it_is_set() -> None:
    always: dict[type, int] = {Later: 2}
    assert to_builtins((Later(),), always) == [{"first": "", "second": 0}]
    assert to_builtins(Later(first="a", third="c"), always) == {"first": "a", "second": 0, "third": "c"}
    assert to_builtins(Later()) == {"first": "", "second": 0, "third": ""}


@given(values_of(Plan))
def test_the_json_of_a_plan_has_every_field(plan: Plan) -> None:
    assert json.loads(render_json(plan)) == json.loads(msgspec.json.encode(every_field(plan)))
