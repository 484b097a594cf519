"""In which order a node changes stacks, and services within one."""

from __future__ import annotations

from typing import Any

import pytest

from bot.agent.sequence import (
    Batch,
    Step,
    find_batches,
)
from bot.domain.names import ServiceName, StackName
from bot.plan.stack_needs import needed_containers, needed_services
from bot.protocol.action import Action
from bot.protocol.order import ServiceOrder, StackOrder

CREATE, NONE, RECREATE, REBUILD, RELOAD, REMOVE, RESTART = (
    Action.CREATE,
    Action.NONE,
    Action.RECREATE,
    Action.REBUILD,
    Action.RELOAD,
    Action.REMOVE,
    Action.RESTART,
)


def stack(name: str = "s", *, remaining: int = 0, **actions: Action) -> StackOrder:
    return StackOrder(
        stack=StackName(name),
        folder=name,
        files=("c.yml",),
        profiles=(),
        project=f"p-{name}",
        services=tuple(
            ServiceOrder(service=ServiceName(s), action=a, remaining=remaining if a is REMOVE else 0)
            for s, a in actions.items()
        ),
    )


def batches(given: StackOrder, present: str = "", **services: dict[str, Any]) -> list[tuple[str, str]]:
    found = find_batches(given, {"services": services}, present.split())
    assert all(isinstance(one, Batch) for one in found)
    return [(step.value, " ".join(names)) for step, names in found]


def on(*names: str) -> dict[str, Any]:
    return {"depends_on": {name: {"condition": "service_started"} for name in names}}


def test_services_of_one_kind_are_one_batch() -> None:
    given = stack(app=RECREATE, db=REBUILD, new=CREATE, gone=REMOVE, same=NONE)
    assert batches(given, "app db", app=on("db"), db={}, new={}) == [("replace", "db new app")]


def test_a_dependency_is_restarted_before_its_dependent_is_replaced() -> None:
    assert batches(stack(app=RECREATE, db=RESTART), "app db", app=on("db"), db={}) == [
        ("restart", "db"),
        ("replace", "app"),
    ]


def test_a_dependent_is_restarted_after_what_it_needs_is_replaced() -> None:
    assert batches(stack(app=RESTART, db=RECREATE), "app db", app=on("db"), db={}) == [
        ("replace", "db"),
        ("restart", "app"),
    ]


def test_kinds_alternate_along_a_chain() -> None:
    given = stack(d=RESTART, c=RECREATE, b=RESTART, a=RECREATE)
    assert batches(given, "a b c d", d=on("c"), c=on("b"), b=on("a"), a={}) == [
        ("replace", "a"),
        ("restart", "b"),
        ("replace", "c"),
        ("restart", "d"),
    ]


def test_what_is_not_there_is_brought_up_and_what_is_there_gets_more_containers() -> None:
    given = stack(a=CREATE, b=CREATE, c=RESTART, d=RELOAD, remaining=1, e=REMOVE)
    assert batches(given, "a c d e", a={}, b={}, c={}, d={}, e={}) == [
        ("replace", "b"),
        ("scale", "a e"),
        ("restart", "c"),
        ("reload", "d"),
    ]
    assert batches(stack(c=RESTART), "", c={}) == [("replace", "c")]
    assert batches(stack(remaining=1, e=REMOVE), "", e={}) == []


def test_services_that_need_each_other_go_together() -> None:
    assert batches(stack(a=RECREATE, b=RECREATE), "a b", a=on("b"), b=on("a")) == [("replace", "a b")]
    assert batches(stack(a=RECREATE, b=RESTART), "a b", a=on("b"), b=on("a")) == [("replace", "a"), ("restart", "b")]


def test_who_is_restarted_comes_behind_what_it_needs() -> None:
    """`docker compose restart` forgets a `depends_on` without `restart: true`, and restarts both at once."""
    vpn = {"network_mode": "service:vpn"}
    given = stack(web=RESTART, torrent=RESTART, vpn=RESTART, other=RESTART)
    assert batches(given, "web torrent vpn other", vpn={}, torrent=vpn | on("vpn"), web=on("torrent"), other={}) == [
        ("restart", "vpn other"),
        ("restart", "torrent"),
        ("restart", "web"),
    ]


def test_who_joins_a_container_by_its_name_is_not_brought_up_with_it() -> None:
    vpn = {"network_mode": "container:vpn"}
    given = stack(web=RECREATE, torrent=RECREATE, vpn=RECREATE)
    assert batches(given, "web torrent vpn", vpn={"container_name": "vpn"}, torrent=vpn, web=on("torrent")) == [
        ("replace", "vpn"),
        ("replace", "torrent web"),
    ]


def test_a_container_named_in_the_same_stack_comes_first() -> None:
    spec = {"network_mode": "container:vpn"}
    assert batches(stack(a=RECREATE, b=RESTART), "a b", a=spec, b={"container_name": "vpn"})[0] == ("restart", "b")
    default = {"network_mode": "container:p-s-b-1"}
    assert batches(stack(a=RECREATE, b=RESTART), "a b", a=default, b={})[0] == ("restart", "b")


@pytest.mark.parametrize(
    ("spec", "services", "containers"),
    [
        ({"network_mode": "service:a", "ipc": "service:b", "pid": "service:c"}, "a b c", ""),
        ({"network_mode": "container:a", "ipc": "container:b", "pid": "container:c"}, "", "a b c"),
        ({"network_mode": "host", "ipc": "shareable", "pid": None}, "", ""),
        ({"volumes_from": ["a", "b:ro", "container:c", "container:d:ro"]}, "a b", "c d"),
        ({"links": ["a", "b:alias"], "external_links": ["c", "d:alias"]}, "a b", "c d"),
        ({"depends_on": {"a": {}}}, "a", ""),
        ({}, "", ""),
    ],
)
def test_what_a_service_needs(spec: dict[str, Any], services: str, containers: str) -> None:
    assert needed_services(spec) == frozenset(services.split())
    assert needed_containers(spec) == frozenset(containers.split())


def test_the_steps_of_a_batch_have_an_order() -> None:
    assert list(Step) == [Step.REPLACE, Step.SCALE, Step.RESTART, Step.RELOAD]
