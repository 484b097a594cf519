"""What passes from one service to another in one order."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.names import NodeName, ServiceName, StackName
from bot.domain.risk_rules import RULES
from bot.risks.handovers import check_hand_overs
from bot.risks.pairs import Found, NodePair, StackPair
from tests.unit.plan.risk_cases import port

NAMED: dict[str, Any] = {"container_name": "n"}
FIXED: dict[str, Any] = {"networks": {"lan": {"ipv4_address": "10.0.0.2", "ipv6_address": "fd00::2"}}}
NETWORKS = {"lan": {"name": "real"}}


def ports(*given: dict[str, Any]) -> dict[str, Any]:
    return {"ports": list(given)}


def found(*stacks: tuple[dict[str, Any] | None, dict[str, Any] | None]) -> list[Found]:
    """What is found on a node whose stacks have these services, before and after."""

    def model(services: dict[str, Any] | None) -> dict[str, Any] | None:
        return None if services is None else {"services": services, "networks": NETWORKS}

    pairs = (StackPair(StackName(f"s{at}"), model(old), model(new)) for at, (old, new) in enumerate(stacks))
    return list(check_hand_overs(NodePair(NodeName("N"), "linux", tuple(pairs))))


def texts(*stacks: tuple[dict[str, Any] | None, dict[str, Any] | None]) -> list[str]:
    return [one.text for one in found(*stacks)]


@pytest.mark.parametrize(
    ("thing", "text", "place"),
    [
        (NAMED, "container name n passes", "services.b.container_name"),
        (ports(port("80")), "port 80/tcp passes", "services.b.ports.0"),
        (ports(port("0"), port("80", "10.0.0.1")), "port 80/tcp passes", "services.b.ports.1"),
        (FIXED, "address 10.0.0.2 in real, address fd00::2 in real pass", "services.b.networks.lan"),
        (
            NAMED | ports(port("1"), port("2")),
            "container name n, port 1/tcp, port 2/tcp pass",
            "services.b.container_name",
        ),
        (
            NAMED | ports(port("1"), port("2"), port("3"), port("4")),
            "container name n, port 1/tcp, port 2/tcp and 2 more pass",
            "services.b.container_name",
        ),
    ],
)
def test_what_a_service_takes_from_one_that_stays_is_found(thing: dict[str, Any], text: str, place: str) -> None:
    (one,) = found(({"a": thing, "b": {}}, {"a": {}, "b": thing}))
    assert one.rule is RULES["collision.hand_over"]
    assert one.text == f"{text} here from s0 / a: both are down until this one runs"
    assert (one.place, one.stack, one.service) == (place, "s0", ServiceName("b"))
    # From another stack, and to a service that is new.
    (one,) = found(({"a": thing}, {"a": {}}), (None, {"b": thing}))
    assert (one.text, one.stack) == (f"{text} here from s0 / a: both are down until this one runs", "s1")


def test_a_swap_is_found_at_both() -> None:
    assert texts(
        (
            {"a": ports(port("80")), "b": ports(port("81"))},
            {"a": ports(port("81")), "b": ports(port("80"))},
        )
    ) == [
        "port 81/tcp passes here from s0 / b: both are down until this one runs",
        "port 80/tcp passes here from s0 / a: both are down until this one runs",
    ]


def test_an_address_of_the_node_meets_all_of_them() -> None:
    every, one, other = ports(port("80")), ports(port("80", "10.0.0.1")), ports(port("80", "10.0.0.2"))
    for before, after in ((every, one), (one, every), (one, one)):
        assert len(texts(({"a": before, "b": {}}, {"a": {}, "b": after}))) == 1
    assert texts(({"a": one, "b": {}}, {"a": {}, "b": other})) == []
    udp = ports(port("80") | {"protocol": "udp"})
    assert texts(({"a": udp, "b": {}}, {"a": {}, "b": every})) == []


@pytest.mark.parametrize("thing", [NAMED, ports(port("80")), FIXED])
def test_what_nobody_has_to_let_go_of_is_no_hand_over(thing: dict[str, Any]) -> None:
    assert texts(({"a": thing, "b": {}}, {"a": thing, "b": {}})) == []
    assert texts(({"a": thing}, {"b": thing})) == []  # removed first
    assert texts(({"a": thing}, None), (None, {"a": thing})) == []
    assert texts(({"a": {}, "b": {}}, {"a": {}, "b": thing})) == []
    assert texts(({"a": thing, "b": thing}, {"a": {}, "b": thing})) == []  # had it already
    assert texts(({"a": thing, "b": {}}, {"a": thing, "b": thing})) == []  # a collision, which is another rule


def test_any_free_port_is_nobodys() -> None:
    assert texts(({"a": ports(port("")), "b": {}}, {"a": {}, "b": ports(port(""))})) == []
