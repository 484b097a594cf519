"""A plan's id stands for everything that the plan was made from and says, as does its approval."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

import msgspec
import pytest

from bot.domain.names import CommitSha, NodeName, ServiceName, StackName
from bot.domain.severity import Severity
from bot.plan.identity import identify_plan
from bot.plan.model import Image, ImageKind, NodePlan, Reason, Risk, ServicePlan, SourceLine, StackPlan
from bot.protocol.action import Action

BASE, OLD, NEW = (CommitSha(digit * 40) for digit in "abc")
WHERE = SourceLine(path="server/compose.yaml", line=3)
RISK = Risk(rule="data.volume_dropped", severity=Severity.RISKY, text="its data stays", where=WHERE)
SERVICE = ServicePlan(
    service=ServiceName("web"),
    action=Action.RELOAD,
    reasons=(Reason(code="image", text="image 1 -> 2", where=WHERE),),
    risks=(RISK,),
    diff="-a",
    image=Image(name="app:1.0", kind=ImageKind.VERSION),
    signal="SIGHUP",
    remaining=1,
    if_same=Action.RESTART,
    follows=(ServiceName("db"),),
)
STACK = StackPlan(
    stack=StackName("web"),
    folder="server/web",
    files=("compose.yaml",),
    profiles=("p",),
    project="web",
    services=(SERVICE,),
    risks=(RISK,),
    variables=("A",),
    new_variables=("A",),
    missing_variables=("A",),
    remade_networks=("n",),
    rendered="0123",
    error="no",
    error_at=WHERE,
    remarks=("r",),
    old=CommitSha("f" * 40),
)
NODES = (NodePlan(node=NodeName("N"), platform="linux", stacks=(STACK,), remarks=("r",), warnings=("w",)),)


def others(value: Any, at: str = "nodes") -> Iterator[tuple[str, Any]]:
    """`value` with one thing changed somewhere in it, in every way, and where."""
    match value:
        case msgspec.Struct():
            for name in value.__struct_fields__:
                for place, changed in others(getattr(value, name), f"{at}.{name}"):
                    yield place, msgspec.structs.replace(value, **{name: changed})
        case tuple():
            assert value, f"{at} has to hold something, or nothing of it is tried"
            yield f"{at} (empty)", ()
            yield f"{at} (twice)", (*value, value[0])
            for index, item in enumerate(value):
                for place, changed in others(item, f"{at}.{index}"):
                    yield place, (*value[:index], changed, *value[index + 1 :])
        case Enum():
            yield at, next(member for member in type(value) if member is not value)
        case int():
            yield at, value + 1
        case str():
            yield at, f"{value}x"
        case _:
            raise AssertionError(f"{at} has no value that could change: {value!r}")


CHANGES = dict(others(NODES))


@pytest.mark.parametrize("place", CHANGES)
def test_whatever_changes_in_a_plan_changes_its_id(place: str) -> None:
    assert identify_plan(BASE, OLD, NEW, CHANGES[place]) != identify_plan(BASE, OLD, NEW, NODES)


def test_every_field_of_the_model_is_tried() -> None:
    for kind in (SourceLine, Reason, Risk, Image, ServicePlan, StackPlan, NodePlan):
        for field in kind.__struct_fields__:
            assert any(f".{field}" in place for place in CHANGES), field


def test_the_base_and_both_pins_are_in_it() -> None:
    ids = [
        identify_plan(base, old, new, NODES)
        for base, old, new in (
            (BASE, OLD, NEW),
            (BASE, None, NEW),
            (OLD, BASE, NEW),
            (BASE, NEW, OLD),
            (NEW, OLD, NEW),
        )
    ]
    assert len(set(ids)) == 5
    assert all(len(one) == 12 for one in ids)
    # Stored plans are found by it, and what was approved is compared with it.
    assert identify_plan(BASE, OLD, NEW, NODES) == identify_plan(BASE, OLD, NEW, (*NODES,))
    assert identify_plan(BASE, OLD, NEW, ()) == "0bf9521179f4"
