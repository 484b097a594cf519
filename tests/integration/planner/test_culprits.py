"""A stack that makes a planner explode loses its own plan, with words; the others are planned as ever."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.domain.names import NodeName, StackName, SubmodulePath
from bot.fleetfile import Fleet, Node, Submodule
from bot.plan.causes import model_causes
from bot.plan.model import Plan, StackPlan
from bot.planner import culprits
from bot.planner.guarded import Limits
from bot.planner.plans import read_plan
from bot.planner.sides import read_side
from bot.planner.snapshot import Snapshot
from bot.protocol.action import Action
from tests.integration.planner.render_world import RenderWorld

GOOD = "services:\n  web: {{image: 'app:{version}'}}\n"
QUICK = Limits(seconds=30, cpu_seconds=2, memory=256 << 20)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(culprits, "WHOLE", QUICK)
    monkeypatch.setattr(culprits, "ONE_STACK", QUICK)


def burn() -> None:
    while True:
        pass


def backtrack() -> None:
    re.fullmatch(r"(a+)+b", "a" * 60)


def hoard() -> None:
    kept: list[bytearray] = []
    while True:
        kept.append(bytearray(64 << 20))


def nest() -> None:
    nest()


EXPLOSIONS: dict[str, tuple[Callable[[], None], str]] = {
    "a pattern that goes back for ever": (backtrack, "it used more than 2 seconds of processor time"),
    "memory": (hoard, "it used more memory than it may"),
    "depth": (nest, "it is nested too deeply"),
}


def plan(world: RenderWorld, old: Snapshot | None, new: Snapshot) -> Plan:
    return read_plan(
        fleet=Fleet(nodes=(Node(name=NodeName("A")),)),
        repo=None,
        submodule=Submodule(path=SubmodulePath("server")),
        upstream_name=None,
        old=old,
        new=new,
        renderer=world.renderer,
        commits=(),
        commits_total=0,
    )


def stacks(made: Plan) -> dict[StackName, StackPlan]:
    return {stack.stack: stack for stack in made.nodes[0].stacks}


def explode_where(monkeypatch: pytest.MonkeyPatch, explode: Callable[[], None]) -> None:
    """Deciding a service explodes where it has the label `bad`."""

    def patched(name: str, services: tuple[Any, Any], *more: Any) -> Any:
        if any("bad" in (one.get("labels") or {}) for one in services):
            explode()
        return model_causes(name, services, *more)

    monkeypatch.setattr("bot.plan.changes.model_causes", patched)


@pytest.mark.parametrize("kind", EXPLOSIONS)
def test_only_the_stack_that_explodes_loses_its_plan(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    explode, words = EXPLOSIONS[kind]
    explode_where(monkeypatch, explode)
    world = RenderWorld(tmp_path)
    old = world.push({f"stacks/{name}/compose.yaml": GOOD.format(version=1) for name in ("bad", "good")})
    bad = "services:\n  web: {image: 'app:2', labels: {bad: 'yes'}}\n"
    new = world.push({"stacks/bad/compose.yaml": bad, "stacks/good/compose.yaml": GOOD.format(version=2)})
    made = stacks(plan(world, old, new))
    assert made[StackName("bad")].error == f"server/stacks/bad: its plan was stopped, because {words}"
    assert made[StackName("good")].error is None
    assert [one.action for one in made[StackName("good")].services] == [Action.RECREATE]
    # And on it goes.
    later = stacks(plan(world, new, world.push({"stacks/bad/compose.yaml": GOOD.format(version=3)})))
    assert later[StackName("good")].error is None


def test_where_the_old_version_explodes_the_new_one_is_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def patched(request: Any, rendering: Any, *more: Any, **named: Any) -> Any:
        if "bad" in str(getattr(rendering, "model", "")):
            burn()
        return read_side(request, rendering, *more, **named)

    monkeypatch.setattr("bot.planner.changes.read_side", patched)
    world = RenderWorld(tmp_path)
    old = world.push({"stacks/web/compose.yaml": "services:\n  web: {image: 'app:1', labels: {bad: 'yes'}}\n"})
    new = world.push({"stacks/web/compose.yaml": GOOD.format(version=2)})
    made = stacks(plan(world, old, new))[StackName("web")]
    assert made.error is None
    assert [(one.action, one.reasons[0].code) for one in made.services] == [(Action.RECREATE, "unknown_before")]
