"""Who shares a container by its name, in its own stack and in another one."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from bot.domain.names import NodeName, ServiceName, StackName
from bot.fleetfile import Node
from bot.plan.causes import Cause, ReasonCode
from bot.plan.changes import decide_node
from bot.plan.followers import Replaced, followed, settle
from bot.plan.if_same import action_if_same, less_if_same
from bot.plan.rendering import CHECKOUT, NodeChange, Rendered, Side, StackChange
from bot.protocol.action import Action

Services = dict[str, dict[str, Any]]


def change(name: str, old: Services, new: Services | None = None) -> StackChange:
    def side(services: Services) -> Side:
        given = {service: {"image": "app:1.0"} | spec for service, spec in services.items()}
        return Side(rendering=Rendered(model={"name": name, "services": given}), files=("c.yml",))

    return StackChange(stack=StackName(name), folder=name, old=side(old), new=side(old if new is None else new))


def decide(*stacks: StackChange, changed: frozenset[str] = frozenset()) -> dict[str, tuple[str, list[str]]]:
    decided = decide_node(NodeChange(node=Node(name=NodeName("n")), stacks=stacks, changed=changed))
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


@pytest.mark.parametrize(("network", "is_linked"), [("bridge", True), ("default", True), ("lan", False), ("", False)])
def test_a_link_on_the_bridge_is_of_one_container(network: str, is_linked: bool) -> None:
    own, other = ({"network_mode": network, field: ["vpn:v"]} for field in ("links", "external_links"))
    services: Services = {"client": own, "outer": other, "vpn": VPN}
    found = decide(
        change("a", {"client": {**other, "depends_on": {}}}), change("b", services, services | {"vpn": NEWER})
    )
    text = "is linked to vpn on the engine's bridge, which is recreated"
    linked = {name: ("recreate", [text]) for name in ("a/client", "b/client", "b/outer")} if is_linked else {}
    assert found == linked | {"b/vpn": found["b/vpn"]}


def test_a_link_may_be_to_a_container_that_is_removed() -> None:
    client = {"network_mode": "bridge", "links": ["pool"]}
    old: Services = {"client": client, "pool": {"scale": 2}}
    found = decide(change("b", old, {"client": client, "pool": {"scale": 1}}))
    assert found["b/client"] == ("recreate", ["is linked to pool on the engine's bridge, which loses containers"])
    assert "b/client" not in decide(change("b", old, {"client": client, "pool": {"scale": 3}}))


def test_a_link_survives_a_restart() -> None:
    mounted = {"volumes": [{"type": "bind", "source": f"{CHECKOUT}/f", "target": "/f"}]}
    client = {"network_mode": "bridge", "links": ["vpn"], "external_links": ["vpn"]}
    stack = change("b", {"client": client, "vpn": VPN | mounted})
    assert list(decide(stack, changed=frozenset(("f",)))) == ["b/vpn"]


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
    ("more", "if_same"),
    [
        ({}, Action.NONE),
        ({"depends_on": {"net": {"restart": True}}}, Action.RESTART),
        ({"environment": {"A": "1"}}, None),
    ],
)
def test_what_runs_an_image_that_another_builds_is_left_alone_where_it_comes_out_the_same(
    more: dict[str, Any], if_same: Action | None
) -> None:
    old: Services = {
        "app": {"build": {"context": "/x"}, "image": "own:1"},
        "net": {"image": "net:1"},
        "other": {"image": "own:2"},
        "worker": {"image": "own:1"},
    }
    new = old | {"net": {"image": "net:2"}, "worker": old["worker"] | more}
    given = replace(change("a", old, new), build_inputs={ServiceName("app"): ("a/main.c",)})
    (decided,) = decide_node(NodeChange(node=Node(name=NodeName("n")), stacks=(given,)))
    found = {one.service: one for one in decided.stacks[0].services}
    assert (found[ServiceName("app")].action, found[ServiceName("app")].if_same) == (Action.REBUILD, Action.NONE)
    worker = found[ServiceName("worker")]
    assert (worker.action, worker.if_same) == (Action.RECREATE, if_same)
    text = "app rebuilds its image: recreated only if that comes out different"
    assert text in [reason.text for reason in worker.reasons]
    assert [found[ServiceName(name)].if_same for name in ("net", "other")] == [None, None]
    assert found[ServiceName("other")].action is Action.NONE


def test_what_mounts_a_built_image_is_recreated_whatever_its_own_image_is() -> None:
    mounts = {"image": "app:1", "volumes": [{"type": "image", "source": "own:1", "target": "/i"}]}
    services: Services = {"app": {"build": {"context": "/x"}, "image": "own:1"}, "mounts": mounts}
    given = replace(change("a", services), build_inputs={ServiceName("app"): ("a/main.c",)})
    (decided,) = decide_node(NodeChange(node=Node(name=NodeName("n")), stacks=(given,)))
    assert [(one.action, one.if_same) for one in decided.stacks[0].services] == [
        (Action.REBUILD, Action.NONE),
        (Action.RECREATE, None),
    ]


def test_who_follows_a_rebuilt_service_is_left_alone_with_it() -> None:
    services: Services = {
        "app": {"build": {"context": "/x"}, "image": "own:1"},
        "net": {"network_mode": "service:app"},
        "after": {"depends_on": {"net": {"restart": True}}},
        "data": {"volumes_from": ["worker"]},
        "worker": {"image": "own:1"},
        "both": {"ipc": "service:app", "pid": "service:other"},
        "other": {},
    }
    given = replace(change("a", services), build_inputs={ServiceName("app"): ("a/main.c",)})
    (decided,) = decide_node(NodeChange(node=Node(name=NodeName("n")), stacks=(given,)))
    assert {one.service: (one.action, one.if_same, one.follows) for one in decided.stacks[0].services} == {
        "app": (Action.REBUILD, Action.NONE, ()),
        "net": (Action.RECREATE, Action.NONE, ("app",)),
        "after": (Action.RESTART, Action.NONE, ("net",)),
        "data": (Action.RECREATE, Action.NONE, ("worker",)),
        "worker": (Action.RECREATE, Action.NONE, ()),
        "both": (Action.RECREATE, Action.NONE, ("app",)),
        "other": (Action.NONE, None, ()),
    }
    net = decided.stacks[0].services[1]
    assert [reason.text for reason in net.reasons] == [
        "shares the network with app, which is recreated: only where that happens"
    ]

    given = change("a", services, services | {"app": services["app"] | {"user": "x"}, "other": {"user": "x"}})
    given = replace(given, build_inputs={ServiceName("app"): ("a/main.c",)})
    (decided,) = decide_node(NodeChange(node=Node(name=NodeName("n")), stacks=(given,)))
    found = {one.service: (one.if_same, one.follows) for one in decided.stacks[0].services}
    assert [found[ServiceName(name)] for name in ("net", "after", "both")] == [(None, ())] * 3
    assert found[ServiceName("data")] == (Action.NONE, ("worker",))


def test_stacks_are_decided_again_only_for_what_they_follow() -> None:
    asked: list[tuple[int, dict[str, Action]]] = []

    def decide_one(number: int, replaced: Replaced) -> str:
        asked.append((number, dict(replaced)))
        return f"{number}{sorted(replaced)}"

    def replaced_by(number: int, decided: str) -> Replaced:
        chain = {1: {"x": Action.RECREATE, "y": Action.RESTART}}
        return chain.get(number, {"z": Action.RESTART} if decided == "0['x']" else {})

    follows = [frozenset({"x"}), frozenset({"x"}), frozenset({"z"}), frozenset[str]()]
    assert settle(follows, decide_one, replaced_by) == ("0['x']", "1[]", "2['z']", "3[]")
    assert asked == [(0, {}), (1, {}), (2, {}), (3, {}), (0, {"x": Action.RECREATE}), (2, {"z": Action.RESTART})]


def test_the_containers_that_services_follow() -> None:
    services: Services = {
        "a": {"network_mode": "container:net", "ipc": "container:memory", "pid": "host"},
        "b": {"volumes_from": ["container:data:ro", "c"], "network_mode": "service:a"},
        "c": {},
    }
    assert followed(services, {}) == {"net", "memory", "data", "volumes:data"}
    assert followed({"d": {"image": "x"}}, {ServiceName("e"): ("y",)}) == {"image:x:latest", "image:y:latest"}


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


def test_a_service_follows_those_whose_cause_is_not_certain_by_name() -> None:
    build = Cause(Action.REBUILD, ReasonCode.BUILD, "x")
    follows = [Cause(Action.RECREATE, ReasonCode.NAMESPACE_SHARED, "x", origin=name) for name in ("z", "a", "sure")]
    less = less_if_same(
        Action.REBUILD, [build, *follows, Cause(Action.RESTART, ReasonCode.BIND_CONTENT, "x")], {"sure"}
    )
    assert less == (Action.RECREATE, ("a", "z"))
    assert less_if_same(Action.RECREATE, [build, *follows], {"sure"}) == (None, ())


def test_a_new_container_replaces_the_one_that_had_its_name() -> None:
    vpn = {"container_name": "tunnel"}
    follower = {"q": {"network_mode": "container:tunnel"}, "p": {"pid": "container:other"}}
    shared = "shares the network with tunnel, which is recreated"
    # In one stack, from one stack to another, and by a project of another name.
    found = decide(change("a", {"vpn": vpn, **follower}, {"gluetun": vpn, **follower}))
    assert found["a/q"] == ("recreate", [shared])
    assert "a/p" not in found
    found = decide(
        change("a", {"vpn": vpn, "x": {}}, {"x": {}}), change("b", {}, {"vpn": vpn}), change("c", follower)
    )
    assert found["c/q"] == ("recreate", [shared])
    moved = change("a", {"vpn": vpn})
    assert isinstance(moved.new, Side)
    assert isinstance(moved.new.rendering, Rendered)
    moved = replace(
        moved, new=Side(rendering=replace(moved.new.rendering, model={**moved.new.rendering.model, "name": "z"}))
    )
    assert decide(moved, change("c", follower))["c/q"] == ("recreate", [shared])


def test_a_container_whose_name_nobody_had_or_that_is_one_more_replaces_none() -> None:
    vpn = {"container_name": "tunnel"}
    follower = change("c", {"q": {"network_mode": "container:tunnel"}, "r": {"network_mode": "container:a-w-1"}})
    assert "c/q" not in decide(change("a", {}, {"vpn": vpn}), follower)
    more = change("a", {"w": {"scale": 1}}, {"w": {"scale": 2}})
    assert "c/r" not in decide(more, follower)


def test_the_content_of_mounts_is_followed_over_stacks() -> None:
    def mounting(changed: frozenset[str]) -> dict[str, tuple[str, list[str]]]:
        bind = {"volumes": [{"type": "bind", "source": f"{CHECKOUT}/conf", "target": "/conf"}]}
        stacks = (change("a", {"w": bind}), change("b", {"r": {"volumes_from": ["container:a-w-1:ro"]}}))
        return decide(*stacks, changed=changed)

    assert mounting(frozenset({"conf/x"}))["b/r"] == (
        "restart",
        ["mounts the volumes of a-w-1, whose content changed"],
    )
    assert "b/r" not in mounting(frozenset({"other/x"}))


def test_an_image_that_another_stack_builds_again() -> None:
    built = {"image": "docker.io/library/mine", "build": {"context": f"{CHECKOUT}/app", "tags": ["mine:also"]}}
    builder = replace(change("a", {"app": built}), build_inputs={ServiceName("app"): ("app/f",)})
    users = change(
        "b",
        {
            "runs": {"image": "mine:latest"},
            "tag": {"image": "mine:also"},
            "mounts": {"volumes": [{"type": "image", "source": "mine", "target": "/m"}]},
            "other": {"image": "mine:2"},
        },
    )
    based = replace(
        change("c", {"x": {"image": "based", "build": {}}}), base_images={ServiceName("x"): ("mine:latest",)}
    )
    found = decide(users, based, builder)
    assert found["b/runs"] == (
        "recreate",
        ["another stack rebuilds its image mine:latest: recreated only if that comes out different"],
    )
    assert found["b/tag"][0] == "recreate"
    assert found["b/mounts"] == ("recreate", ["mounts the image mine, which another stack rebuilds"])
    assert found["c/x"] == ("rebuild", ["is built on mine:latest, which another stack rebuilds"])
    assert "b/other" not in found


def test_who_is_on_a_network_by_its_name_alone_is_recreated_with_it() -> None:
    def owner(label: str) -> Side:
        model = {"name": "a", "services": {}, "networks": {"p": {"name": "shared", "labels": {"l": label}}}}
        return Side(rendering=Rendered(model=model))

    stack = StackChange(stack=StackName("a"), folder="a", old=owner("1"), new=owner("2"))
    other = change("b", {"x": {"network_mode": "shared"}, "y": {"network_mode": "host"}})
    found = decide(stack, other)
    assert found == {"b/x": ("recreate", ["network shared is recreated"])}
    (_, decided) = decide_node(NodeChange(node=Node(name=NodeName("n")), stacks=(stack, other)))
    codes = [reason.code for service in decided.stacks[0].services for reason in service.reasons]
    assert codes == [ReasonCode.NETWORK_CHANGED]


def test_a_service_that_lends_its_network_and_loses_containers() -> None:
    def services(count: int) -> Services:
        return {"w": {"scale": count}, "q": {"network_mode": "service:w"}, "r": {"ipc": "host"}}

    old, new = services(3), services(2)
    assert decide(change("a", old, new))["a/q"] == ("recreate", ["network_mode is that of w, which loses containers"])
    assert "a/r" not in decide(change("a", old, new))
    assert "a/q" not in decide(change("a", new, old))
