"""Stacks stand behind those that they need."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.names import ServiceName, StackName
from bot.plan.stack_needs import needed_containers, sort_by_needs, stack_needs
from bot.protocol.action import Action
from bot.protocol.order import ServiceOrder, StackOrder

pytestmark = pytest.mark.portable


def stack(name: str, **actions: Action) -> StackOrder:
    services = tuple(ServiceOrder(service=ServiceName(s), action=action) for s, action in actions.items())
    return StackOrder(
        stack=StackName(name), folder=name, files=(), profiles=(), project=f"p-{name}", services=services
    )


def test_who_shares_a_container_needs_its_stack() -> None:
    one, two, three = (
        stack("one", client=Action.CREATE),
        stack("two", vpn=Action.RESTART),
        stack("three", other=Action.NONE),
    )
    models: dict[str, dict[str, Any]] = {
        "p-one": {"services": {"client": {"network_mode": "container:vpn", "volumes_from": ["container:there"]}}},
        "p-two": {"services": {"vpn": {"container_name": "vpn", "ipc": "container:vpn"}}},
        "p-three": {"services": {"other": {"container_name": "there"}}},
    }
    assert stack_needs(iter([one, two, three]), models) == {"p-one": {"p-two"}, "p-two": set(), "p-three": set()}
    assert stack_needs([one], {}) == {"p-one": set()}


def test_who_runs_or_mounts_an_image_needs_the_stack_that_builds_it() -> None:
    stacks = [stack("a", x=Action.RECREATE), stack("b", y=Action.RECREATE), stack("c", app=Action.REBUILD)]
    models: dict[str, dict[str, Any]] = {
        "p-a": {"services": {"x": {"image": "p-c-app"}}},
        "p-b": {"services": {"y": {"image": "z", "volumes": [{"type": "image", "source": "docker.io/more:1"}]}}},
        "p-c": {"services": {"app": {"build": {"context": ".", "tags": ["more:1"]}}}},
    }
    assert stack_needs(stacks, models) == {"p-a": {"p-c"}, "p-b": {"p-c"}, "p-c": set()}


@pytest.mark.parametrize(
    ("spec", "containers"),
    [
        ({"volumes_from": ["a", "container:c", "container:d:ro"]}, "c d"),
        ({"external_links": ["c", "d:alias"], "pid": None, "ipc": "host"}, "c d"),
    ],
)
def test_the_containers_that_a_service_needs(spec: dict[str, Any], containers: str) -> None:
    assert needed_containers(spec) == frozenset(containers.split())


def test_who_is_needed_comes_first_and_the_rest_stays_as_it_is() -> None:
    assert sort_by_needs("abc", str, {}) == ("a", "b", "c")
    assert sort_by_needs("abc", str, {"a": {"c"}, "c": {"c", "elsewhere"}}) == ("b", "c", "a")
    assert sort_by_needs("abc", str, {"a": {"b"}, "b": {"a"}, "c": {"a"}}) == ("a", "b", "c")
