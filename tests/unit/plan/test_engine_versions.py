"""What services need of an engine that a node does not have."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.names import ServiceName
from bot.domain.versions import NodeVersions
from bot.plan.compose_versions import judge_compose
from bot.plan.engine_versions import (
    EngineNeed,
    describe_lacks,
    find_lacks,
    find_needs,
    made_services,
    read_engine,
)
from bot.protocol.action import Action
from tests.plans import service, stack

pytestmark = pytest.mark.portable
WEB = ServiceName("web")
MAC = {"mac_address": "02:42:ac:11:65:43"}


def needs(spec: dict[str, Any], **model: Any) -> list[EngineNeed]:
    model = {"services": {"web": spec, "other": {"annotations": {"a": "b"}}}, **model}
    return list(find_needs([WEB], model, (2, 40, 3)))


@pytest.mark.parametrize(
    ("spec", "setting", "since", "is_refused"),
    [
        ({"healthcheck": {"start_interval": "1s"}}, "healthcheck.start_interval", (25,), True),
        ({"volumes": [{"type": "image", "source": "app:1"}]}, "a volume of type image", (28,), True),
        ({"volumes": [{"type": "volume", "volume": {"subpath": "a"}}]}, "volume.subpath", (26,), False),
        ({"volumes": [{"type": "bind", "bind": {"recursive": "readonly"}}]}, "bind.recursive", (25,), True),
        ({"networks": {"n": None, "m": {"interface_name": "eth7"}}}, "interface_name", (28, 1), True),
        ({"networks": {"n": None, "m": MAC}}, "mac_address of a network", (25,), True),
        ({"networks": {"n": {"gw_priority": 10}}}, "gw_priority", (28,), False),
        ({"annotations": {"a": "b"}}, "annotations", (24,), False),
    ],
)
def test_settings_that_an_older_engine_does_not_have(
    spec: dict[str, Any], setting: str, since: tuple[int, ...], is_refused: bool
) -> None:
    assert needs(spec) == [EngineNeed(WEB, setting, since, is_refused)]


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"healthcheck": {"test": ["NONE"], "start_period": "1s"}},
        {"volumes": [{"type": "volume", "volume": {}}, {"type": "bind", "bind": {"recursive": "enabled"}}]},
        {"networks": {"n": {"gw_priority": 0, "mac_address": "", "aliases": ["a"]}}, "annotations": {}},
    ],
)
def test_what_every_engine_has(spec: dict[str, Any]) -> None:
    assert needs(spec, networks={"n": {"name": "x"}, "m": None}) == []


def test_a_network_without_ipv4() -> None:
    networks = {"n": {"enable_ipv4": False}, "m": {"enable_ipv4": True}}
    assert needs({"networks": {"n": None}}, networks=networks) == [EngineNeed(WEB, "enable_ipv4", (28,), False)]
    assert needs({"networks": {"m": None}}, networks=networks) == []


def test_a_service_that_the_model_lacks_needs_nothing_and_a_need_is_named_once() -> None:
    assert list(find_needs([WEB], {}, ())) == []
    images = [{"type": "image", "source": "a"}, {"type": "image", "source": "b"}]
    assert len(needs({"volumes": images})) == 1


@pytest.mark.parametrize(
    ("reported", "version"),
    [
        ("Docker Engine 20.10.24+dfsg1", (20, 10, 24)),
        ("Docker Engine 28.1", (28, 1)),
        ("Podman 4.3.1", ()),
        ("28.1.1", ()),
        ("Docker Engine <script>1.2", ()),
        ("", ()),
    ],
)
def test_the_version_of_an_engine(reported: str, version: tuple[int, ...]) -> None:
    assert read_engine(reported) == version
    assert judge_compose(NodeVersions("2.40.3", reported), "2.40.3").engine == version
    assert judge_compose(NodeVersions("", reported), "2.40.3").engine == version
    assert judge_compose(NodeVersions("9.0.0", reported), "2.40.3").engine == version


@pytest.mark.parametrize(
    ("spec", "is_refused"),
    [
        ({"healthcheck": {"start_interval": "1s"}}, False),
        ({"networks": {"n": MAC}}, False),
        ({"volumes": [{"type": "bind", "bind": {"recursive": "readonly"}}]}, False),
        ({"volumes": [{"type": "image", "source": "app:1"}]}, True),
        ({"networks": {"m": {"interface_name": "eth7"}}}, True),
    ],
)
def test_newer_versions_of_compose_leave_some_settings_to_an_engine_that_ignores_them(
    spec: dict[str, Any], is_refused: bool
) -> None:
    for compose, found in (((5, 3), is_refused), ((5, 6, 1), is_refused), ((5, 2, 9), True), ((), True)):
        assert [one.is_refused for one in find_needs([WEB], {"services": {"web": spec}}, compose)] == [found]


def test_an_engine_lacks_what_is_newer_and_nothing_where_it_is_not_known() -> None:
    one, other = {"networks": {"n": {"interface_name": "eth7"}}}, {"networks": {"n": MAC}}
    stacks = [("a", [WEB], {"services": {"web": one}}), ("b", [WEB], {"services": {"web": other}})]

    def found(engine: tuple[int, ...]) -> list[tuple[str, str]]:
        return [(stack, need.setting) for stack, need in find_lacks(stacks, engine, (2, 40, 3))]

    first, second = ("a", "interface_name"), ("b", "mac_address of a network")
    assert found((28, 0, 4)) == [first]
    assert found((28, 1, 0)) == found((28, 1)) == []
    assert found((24, 0, 9)) == [first, second]
    assert found(()) == []


def test_one_line_for_each_setting() -> None:
    db = ServiceName("db")
    found = [
        ("a", EngineNeed(WEB, "x", (25,))),
        ("b", EngineNeed(db, "x", (25,))),
        ("b", EngineNeed(db, "y", (28, 1), is_refused=False)),
    ]
    assert list(describe_lacks(found, (20, 10, 24))) == [
        "Docker Engine 20.10.24 cannot run a/web and 1 more with x, which came with 25",
        "Docker Engine 20.10.24 runs b/db without y, which came with 28.1",
    ]


def test_containers_are_made_of_what_is_created_recreated_or_rebuilt() -> None:
    services = [service(str(action), action) for action in Action]
    assert made_services(stack("a", *services)) == ["create", "recreate", "rebuild"]
