"""Names, ports, addresses and namespaces that go from one service to another, within a stack and between stacks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from bot.protocol.action import Action
from bot.protocol.outcome import FailureReason, OrderEnd, Outcome
from tests.nodeworld import Actions, NodeWorld

CREATE, NONE, RECREATE, REMOVE, RESTART = (
    Action.CREATE,
    Action.NONE,
    Action.RECREATE,
    Action.REMOVE,
    Action.RESTART,
)
WAITS: dict[str, Any] = {"image": "whoami:1"}
Stack = Mapping[str, Any]


def deploy(world: NodeWorld, actions: Actions, **stacks: Stack | None) -> Outcome:
    """Publish these stacks (None: without its files) and order `actions`."""
    files = {
        f"stacks/{name}/docker-compose.yml": json.dumps({"name": world.project(name), **stack})
        if stack is not None
        else None
        for name, stack in stacks.items()
    }
    return world.deploy(world.order(world.push(files), actions))


def field(world: NodeWorld, container: str, form: str) -> str:
    return world.engine.docker("inspect", "--format", form, container)


def assert_as_ordered(outcome: Outcome) -> None:
    assert outcome.end is OrderEnd.SUCCESS, outcome
    assert all(service.as_predicted for service in outcome.services), outcome.services


def pair(one: dict[str, Any], two: dict[str, Any], **top: Any) -> Stack:
    return {"services": {"one": WAITS | one, "two": WAITS | two}, **top}


@pytest.mark.parametrize("kind", ["name", "port", "address"])
def test_two_services_swap(node_world: NodeWorld, kind: str) -> None:
    world, prefix = node_world, node_world.prefix
    networks = {"lan": {"ipam": {"config": [{"subnet": "10.97.0.0/24"}]}}}
    claims: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "name": ({"container_name": f"{prefix}-x"}, {"container_name": f"{prefix}-y"}),
        "port": ({"ports": ["127.0.0.1:18431:80"]}, {"ports": ["127.0.0.1:18432:80"]}),
        "address": (
            {"networks": {"lan": {"ipv4_address": "10.97.0.10"}}},
            {"networks": {"lan": {"ipv4_address": "10.97.0.11"}}},
        ),
    }
    x, y = claims[kind]
    top = {"networks": networks} if kind == "address" else {}
    assert_as_ordered(deploy(world, {"swap": {"one": CREATE, "two": CREATE}}, swap=pair(x, y, **top)))
    before = world.containers()

    swapped = pair(y, x, **top)
    failing = {**swapped, "services": {**swapped["services"], "bad": {**WAITS, "command": ["sh", "-c", "exit 4"]}}}
    actions = {"swap": {"one": RECREATE, "two": RECREATE, "bad": CREATE}}
    assert deploy(world, actions, swap=failing).end is OrderEnd.ROLLED_BACK, world.told
    assert set(world.containers()) == set(before)

    assert_as_ordered(deploy(world, {"swap": {"one": RECREATE, "two": RECREATE}}, swap=swapped))
    after = world.containers()
    assert set(after) == set(before)
    if kind == "name":
        assert field(world, f"{prefix}-y", "{{.Id}}") == after["swap/one"][0]
        assert field(world, f"{prefix}-x", "{{.Id}}") == after["swap/two"][0]
    if kind == "address":
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        assert field(world, after["swap/one"][0], form) == "10.97.0.11"


def test_a_service_moves_to_an_earlier_stack_with_its_name_and_port(node_world: NodeWorld) -> None:
    world = node_world
    moved = WAITS | {"container_name": f"{world.prefix}-sonarr", "ports": ["127.0.0.1:18433:80"]}
    early, late = {"services": {"stays": WAITS}}, {"services": {"other": WAITS, "sonarr": moved}}
    first = {"early": {"stays": CREATE}, "late": {"other": CREATE, "sonarr": CREATE}}
    assert_as_ordered(deploy(world, first, early=early, late=late))
    early, late = {"services": {"stays": WAITS, "sonarr": moved}}, {"services": {"other": WAITS}}
    then = {"early": {"stays": NONE, "sonarr": CREATE}, "late": {"other": NONE, "sonarr": REMOVE}}
    assert_as_ordered(deploy(world, then, early=early, late=late))
    assert {"early/sonarr", "early/stays", "late/other"} <= set(world.containers())


def test_who_shares_a_network_by_name_comes_after_its_owner_of_a_later_stack(node_world: NodeWorld) -> None:
    world = node_world
    vpn = WAITS | {"container_name": f"{world.prefix}-vpn"}
    client = WAITS | {"network_mode": f"container:{world.prefix}-vpn"}
    stacks: dict[str, Stack] = {"a": {"services": {"client": client}}, "b": {"services": {"vpn": vpn}}}
    assert_as_ordered(deploy(world, {"a": {"client": CREATE}, "b": {"vpn": CREATE}}, **stacks))
    stacks["b"] = {"services": {"vpn": vpn | {"environment": {"A": "1"}}}}
    assert_as_ordered(deploy(world, {"a": {"client": RECREATE}, "b": {"vpn": RECREATE}}, **stacks))
    now = world.containers()
    assert field(world, now["a/client"][0], "{{.HostConfig.NetworkMode}}").endswith(
        (now["b/vpn"][0], f"{world.prefix}-vpn")
    )
    sandbox = "{{.NetworkSettings.SandboxKey}}"
    assert field(world, now["b/vpn"][0], sandbox)
    assert world.engine.docker("restart", now["a/client"][0]) == now["a/client"][0]


def test_a_dependency_is_restarted_before_its_dependent_is_recreated(node_world: NodeWorld) -> None:
    world = node_world
    app = WAITS | {"depends_on": ["db"]}
    assert_as_ordered(deploy(world, {"s": {"app": CREATE, "db": CREATE}}, s={"services": {"app": app, "db": WAITS}}))
    changed = {"services": {"app": app | {"environment": {"A": "1"}}, "db": WAITS}}
    assert_as_ordered(deploy(world, {"s": {"app": RECREATE, "db": RESTART}}, s=changed))
    now = world.containers()
    assert now["s/db"][1] < now["s/app"][1]


def test_a_folder_that_moves_with_its_project_is_no_teardown(node_world: NodeWorld) -> None:
    world = node_world
    stack = {"services": {"web": WAITS, "old": WAITS}}
    assert_as_ordered(deploy(world, {"site": {"web": CREATE, "old": CREATE}}, site=stack))
    before = world.containers()
    at = world.push(
        {
            "stacks/site/docker-compose.yml": None,
            "stacks/pages/docker-compose.yml": json.dumps(
                {"name": world.project("site"), "services": {"web": WAITS}}
            ),
        }
    )
    order = world.order(at, {"site": {"web": REMOVE, "old": REMOVE}, "pages": {"web": CREATE}})
    site, pages = order.stacks
    outcome = world.deploy(replace(order, stacks=(site, replace(pages, project=site.project))))
    assert outcome.end is OrderEnd.SUCCESS, outcome
    now = world.containers()
    assert now["site/web"] == before["site/web"]
    assert "site/old" not in now


def test_a_missing_external_volume_is_found_before_anything_is_touched(node_world: NodeWorld) -> None:
    world = node_world
    at = world.checkout_position()
    stack = {
        "services": {"web": WAITS | {"volumes": ["data:/data"]}},
        "volumes": {"data": {"external": True, "name": f"{world.prefix}-nowhere"}},
    }
    outcome = deploy(world, {"s": {"web": CREATE}}, s=stack)
    assert (outcome.end, outcome.failure) == (OrderEnd.UNTOUCHED, FailureReason.VOLUME), outcome
    assert f"docker volume create {world.prefix}-nowhere" in outcome.text
    assert world.checkout_position() == at


def test_a_network_that_another_made_is_found_before_anything_is_touched(node_world: NodeWorld) -> None:
    world, name = node_world, f"{node_world.prefix}-made-by-hand"
    at = world.checkout_position()
    world.engine.docker("network", "create", name)
    stack = {"services": {"web": WAITS | {"networks": ["n"]}}, "networks": {"n": {"name": name}}}
    outcome = deploy(world, {"s": {"web": CREATE}}, s=stack)
    assert (outcome.end, outcome.failure) == (OrderEnd.UNTOUCHED, FailureReason.NETWORK), outcome
    assert f"s is to own the network {name}, which is there and was not made by it" in outcome.text
    assert world.checkout_position() == at


def test_an_external_volume_of_another_stack_is_made_by_its_owner_first(node_world: NodeWorld) -> None:
    world, name = node_world, f"{node_world.prefix}-shared"
    user = {
        "services": {"web": WAITS | {"volumes": ["data:/data"]}},
        "volumes": {"data": {"external": True, "name": name}},
    }
    owner = {"services": {"db": WAITS | {"volumes": ["data:/data"]}}, "volumes": {"data": {"name": name}}}
    assert_as_ordered(deploy(world, {"a": {"web": CREATE}, "b": {"db": CREATE}}, a=user, b=owner))
