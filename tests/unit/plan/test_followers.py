"""Who shares a container by its name, in its own stack and in another one."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from bot.domain.names import NodeName, ServiceName, StackName
from bot.fleetfile import Node
from bot.plan.cascades import action_if_same
from bot.plan.causes import Cause, ReasonCode
from bot.plan.changes import decide_node
from bot.plan.rendering import NodeChange, Rendered, Side, StackChange
from bot.protocol.action import Action

Services = dict[str, dict[str, Any]]


def change(name: str, old: Services, new: Services | None = None) -> StackChange:
    def side(services: Services) -> Side:
        given = {service: {"image": "app:1.0"} | spec for service, spec in services.items()}
        return Side(rendering=Rendered(model={"name": name, "services": given}), files=("c.yml",))

    return StackChange(stack=StackName(name), folder=name, old=side(old), new=side(old if new is None else new))


def decide(*stacks: StackChange) -> dict[str, tuple[str, list[str]]]:
    decided = decide_node(NodeChange(node=Node(name=NodeName("n")), stacks=stacks))
    return {
        f"{plan.stack}/{service.service}": (service.action.value, [reason.text for reason in service.reasons])
        for one in decided
        for plan in one.stacks
        for service in plan.services
        if service.action is not Action.NONE
    }


VPN, NEWER = {"container_name": "vpn"}, {"container_name": "vpn", "image": "app:2.0"}


@pytest.mark.parametrize(
    ("field", "words"),
    [("network_mode", "the network"), ("ipc", "memory (ipc)"), ("pid", "processes (pid)")],
)
def test_a_namespace_of_a_named_container_is_followed(field: str, words: str) -> None:
    follower = {field: "container:vpn"}
    expected = ("recreate", [f"shares {words} with vpn, which is recreated"])
    other = change("b", {"vpn": VPN}, {"vpn": NEWER})
    assert decide(change("a", {"client": follower}), other)["a/client"] == expected
    assert decide(other, change("c", {"client": follower}))["c/client"] == expected
    same = decide(change("a", {"client": follower, "v": VPN}, {"client": follower, "v": NEWER}))
    assert same["a/client"] == ("recreate", [f"shares {words} with v, which is recreated"])


def test_a_container_without_a_name_of_its_own_has_the_default() -> None:
    follower = {"network_mode": "container:b-vpn-1"}
    found = decide(change("a", {"client": follower}), change("b", {"vpn": {}}, {"vpn": {"image": "app:2.0"}}))
    assert found["a/client"][0] == "recreate"
    follower = {"network_mode": "container:b-other-1"}
    assert set(
        decide(change("a", {"client": follower}), change("b", {"vpn": {}}, {"vpn": {"image": "app:2.0"}}))
    ) == {"b/vpn"}


def test_volumes_of_a_named_container_are_followed() -> None:
    other = change("b", {"vpn": VPN}, {"vpn": NEWER})
    expected = ("recreate", ["mounts the volumes of vpn"])
    for spelled in ("container:vpn", "container:vpn:ro"):
        assert decide(change("a", {"client": {"volumes_from": [spelled]}}), other)["a/client"] == expected
    assert "a/client" not in decide(change("a", {"client": {"volumes_from": ["vpn"]}}), other)
    follower = {"volumes_from": ["container:vpn"]}
    same = decide(change("a", {"client": follower, "v": VPN}, {"client": follower, "v": NEWER}))
    assert same["a/client"] == ("recreate", ["mounts the volumes of v"])


def test_a_restart_is_followed_by_a_restart_over_two_stacks() -> None:
    base: Services = {
        "net": {"container_name": "net"},
        "w": {"depends_on": {"net": {"restart": True}}, "container_name": "w"},
    }
    newer: Services = base | {"net": {"container_name": "net", "image": "app:2.0"}}
    found = decide(
        change("c", {"last": {"network_mode": "container:mid"}}),
        change("b", {"mid": {"network_mode": "container:w", "container_name": "mid"}}),
        change("b2", {"data": {"volumes_from": ["container:w"]}}),
        change("a", base, newer),
    )
    assert found["a/w"][0] == "restart"
    assert found["b/mid"] == ("restart", ["shares the network with w, which is restarted"])
    assert found["c/last"] == ("restart", ["shares the network with mid, which is restarted"])
    assert "b2/data" not in found  # its volumes are the same


def test_a_container_that_stays_is_not_followed() -> None:
    assert decide(change("a", {"client": {"network_mode": "container:vpn"}}), change("b", {"vpn": VPN})) == {}
    removed = change("b", {"vpn": VPN, "x": {}}, {"x": {}})
    assert "a/client" not in decide(change("a", {"client": {"network_mode": "container:vpn"}}), removed)


@pytest.mark.parametrize(
    ("more", "if_same"),
    [
        ({}, Action.NONE),
        ({"environment": {"A": "1"}}, Action.RECREATE),
        ({"network_mode": "container:net"}, Action.RECREATE),
    ],
)
def test_what_a_rebuild_leaves_to_do_when_its_image_comes_out_the_same(more: dict[str, Any], if_same: Action) -> None:
    old: Services = {"app": {"build": {"context": "/x"}}, "net": {"container_name": "net", "image": "net:1"}}
    given = change("a", old, {"app": old["app"] | more, "net": old["net"]})
    given = replace(given, build_inputs={ServiceName("app"): ("a/main.c",)})
    (decided,) = decide_node(NodeChange(node=Node(name=NodeName("n")), stacks=(given,)))
    app, net = decided.stacks[0].services
    assert (app.action, app.if_same) == (Action.REBUILD, if_same)
    text = "a/main.c changed: builds again; recreated only if the image comes out different"
    assert text in [reason.text for reason in app.reasons]
    assert (net.action, net.if_same) == (Action.NONE, None)


@pytest.mark.parametrize(
    ("actions", "left"),
    [
        ((Action.REBUILD,), Action.NONE),
        ((Action.REBUILD, Action.RELOAD), Action.RESTART),
        ((Action.RESTART, Action.REBUILD, Action.RECREATE), Action.RECREATE),
        ((), Action.NONE),
    ],
)
def test_the_heaviest_other_cause_is_left(actions: tuple[Action, ...], left: Action) -> None:
    assert action_if_same(Cause(action, ReasonCode.BUILD, "x", None) for action in actions) is left
