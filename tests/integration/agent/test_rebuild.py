"""A rebuild: built while everything runs, and recreated only where another image came out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from bot.agent.checkout import CheckoutPosition
from bot.domain.names import ServiceName
from bot.protocol.action import Action
from bot.protocol.order import Order
from bot.protocol.outcome import OrderEnd
from tests.nodeworld import NodeWorld

DOCKERFILE = "FROM whoami:1\nCOPY used.txt /used.txt\n"


def push(world: NodeWorld, *, used: str, beside: str, dockerfile: str = DOCKERFILE) -> CheckoutPosition:
    services: dict[str, Any] = {
        "app": {"build": ".", "volumes": ["./beside.txt:/beside.txt:ro"]},
        "same": {"image": "whoami:1"},
    }
    return world.push(
        {
            "stacks/web/docker-compose.yml": json.dumps({"name": world.project("web"), "services": services}),
            "stacks/web/Dockerfile": dockerfile,
            "stacks/web/used.txt": used,
            "stacks/web/beside.txt": beside,
        }
    )


def order(world: NodeWorld, at: CheckoutPosition, app: Action, if_same: Action | None = None) -> Order:
    same = Action.CREATE if app is Action.CREATE else Action.NONE
    (stack,) = (given := world.order(at, {"web": {"app": app, "same": same}})).stacks
    first, second = stack.services
    return replace(given, stacks=(replace(stack, services=(replace(first, if_same=if_same), second)),))


@pytest.fixture
def built(node_world: NodeWorld) -> NodeWorld:
    at = push(node_world, used="1\n", beside="1\n")
    outcome = node_world.deploy(order(node_world, at, Action.CREATE))
    assert outcome.end is OrderEnd.SUCCESS, outcome
    return node_world


def test_an_image_that_comes_out_the_same_leaves_its_service_alone(built: NodeWorld) -> None:
    before = built.containers()
    at = push(built, used="1\n", beside="2\n")
    outcome = built.deploy(order(built, at, Action.REBUILD, Action.NONE))
    assert outcome.end is OrderEnd.SUCCESS, outcome
    assert all(service.as_predicted for service in outcome.services)
    assert built.containers() == before
    assert "web/app: its image came out the same" in built.told

    outcome = built.deploy(order(built, at, Action.REBUILD, Action.RESTART))
    assert outcome.end is OrderEnd.SUCCESS, outcome
    after = built.containers()
    assert after["web/app"][0] == before["web/app"][0]
    assert after["web/app"][1] > before["web/app"][1]
    assert after["web/same"] == before["web/same"]

    # An order that does not say what to do then recreates, as it always did.
    assert built.deploy(order(built, at, Action.REBUILD)).end is OrderEnd.SUCCESS
    assert built.containers()["web/app"][0] != before["web/app"][0]


def test_an_image_that_comes_out_different_is_deployed(built: NodeWorld) -> None:
    before = built.containers()
    at = push(built, used="2\n", beside="1\n")
    outcome = built.deploy(order(built, at, Action.REBUILD, Action.NONE))
    assert outcome.end is OrderEnd.SUCCESS, outcome
    after = built.containers()
    assert after["web/app"][0] != before["web/app"][0]
    assert built.engine.docker("exec", after["web/app"][0], "cat", "/used.txt") == "2"
    assert after["web/same"] == before["web/same"]


def test_what_runs_the_image_of_another_or_follows_it_is_recreated_only_with_it(node_world: NodeWorld) -> None:
    def push_shared(used: str) -> CheckoutPosition:
        image = f"{node_world.project('shared')}:1"
        services = {
            "app": {"build": ".", "image": image},
            "worker": {"image": image, "depends_on": ["app"]},
            "side": {"image": "whoami:1", "network_mode": "service:app"},
            "after": {"image": "whoami:1", "depends_on": {"side": {"condition": "service_started", "restart": True}}},
        }
        content = {"name": node_world.project("web"), "services": services}
        return node_world.push(
            {
                "stacks/web/docker-compose.yml": json.dumps(content),
                "stacks/web/Dockerfile": DOCKERFILE,
                "stacks/web/used.txt": used,
            }
        )

    def deploy(at: CheckoutPosition, app: Action, other: Action) -> dict[str, tuple[str, str, str]]:
        after = Action.CREATE if other is Action.CREATE else Action.RESTART
        wanted = {"app": app, "worker": other, "side": other, "after": after}
        (stack,) = (given := node_world.order(at, {"web": wanted})).stacks
        same = None if app is Action.CREATE else Action.NONE
        follows = {"side": (ServiceName("app"),), "after": (ServiceName("side"),)} if same else {}
        services = tuple(replace(one, if_same=same, follows=follows.get(one.service, ())) for one in stack.services)
        outcome = node_world.deploy(replace(given, stacks=(replace(stack, services=services),)))
        assert outcome.end is OrderEnd.SUCCESS, outcome
        assert all(service.as_predicted for service in outcome.services)
        return node_world.containers()

    first = deploy(push_shared("1\n"), Action.CREATE, Action.CREATE)
    assert deploy(push_shared("1\n"), Action.REBUILD, Action.RECREATE) == first
    assert "web/side: that of app came out the same" in node_world.told
    after = deploy(push_shared("2\n"), Action.REBUILD, Action.RECREATE)
    assert all(after[name][0] != first[name][0] for name in ("web/app", "web/worker", "web/side"))
    assert (after["web/after"][0], after["web/after"][1] > first["web/after"][1]) == (first["web/after"][0], True)


def test_a_build_that_fails_takes_nothing_down(built: NodeWorld) -> None:
    before = built.containers()
    image = built.engine.docker("image", "inspect", "--format", "{{.Id}}", f"{built.project('web')}-app")
    at = push(built, used="3\n", beside="1\n", dockerfile=f"{DOCKERFILE}COPY nowhere.txt /\n")
    outcome = built.deploy(order(built, at, Action.REBUILD, Action.NONE))
    assert outcome.end is OrderEnd.ROLLED_BACK, outcome
    assert built.containers() == before
    name = f"{built.project('web')}-app"
    assert built.engine.docker("image", "inspect", "--format", "{{.Id}}", name) == image
