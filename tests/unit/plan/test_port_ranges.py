"""Published ports as ranges, and lists and models too large to be compared item by item."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.names import NodeName, StackName
from bot.plan.lists import Twins, find_differences
from bot.plan.model_diff import render_diff
from bot.risks.assess import find_risks
from bot.risks.pairs import NodePair, StackPair
from tests.unit.plan.risk_cases import port, stack


def ports(first: int, last: int, address: str = "", shift: int = 0) -> list[dict[str, Any]]:
    return [port(str(number), address, target=number + shift) for number in range(first, last + 1)]


def fired(*stacks: tuple[Any, Any]) -> list[tuple[str, str, str]]:
    pairs = tuple(StackPair(StackName(f"s{i}"), old, new) for i, (old, new) in enumerate(stacks))
    found = find_risks(NodePair(NodeName("N"), "linux", pairs))
    return [
        (f.rule.id, f.place, f.text) for f in found if "port" in f.rule.id or f.rule.id == "exposure.bind_address"
    ]


def web(*published: dict[str, Any]) -> dict[str, Any]:
    return stack("x", services={"web": {"ports": list(published)}})


OPENED = "exposure.port_published"


def test_a_range_of_ports_is_one_finding() -> None:
    assert fired((web(), web(*ports(1, 12_000)))) == [
        (OPENED, "services.web.ports.0", "ports 0.0.0.0:1-12000 to 1-12000/tcp are newly reachable from the network")
    ]
    assert fired((web(*ports(1, 12_000)), web())) == [
        ("exposure.port_closed", "services.web.ports", "ports 1-12000 are no longer published")
    ]
    assert fired((web(*ports(1, 12_000, "127.0.0.1")), web(*ports(1, 12_000)))) == [
        ("exposure.bind_address", "services.web.ports.0", "ports 1-12000 listen on 0.0.0.0 instead of 127.0.0.1")
    ]


def test_ports_of_two_services_are_compared_once() -> None:
    same = stack("y", services={"b": {"ports": ports(1, 12_000)}})
    assert fired((web(*ports(1, 12_000)), web(*ports(1, 12_000))), (stack("y"), same))[-1] == (
        "collision.port",
        "services.b.ports.0",
        "ports 1-12000/tcp are taken by s0 / web",
    )


@pytest.mark.parametrize(
    ("published", "texts"),
    [
        ([port("80"), port("82", target=82)], ["0.0.0.0:80 to 80/tcp", "0.0.0.0:82 to 82/tcp"]),
        (ports(80, 81, "10.0.0.1"), ["10.0.0.1:80-81 to 80-81/tcp"]),
        (ports(80, 81, "fd00::1"), ["[fd00::1]:80-81 to 80-81/tcp"]),
        (ports(80, 81, shift=100), ["0.0.0.0:80-81 to 180-181/tcp"]),
        ([port("80"), port("81")], ["0.0.0.0:80 to 80/tcp", "0.0.0.0:81 to 80/tcp"]),
        ([port("", target=80), port("", target=81)], ["0.0.0.0:(any) to 80/tcp", "0.0.0.0:(any) to 81/tcp"]),
        ([port("80"), port("81", "10.0.0.1", 81)], ["0.0.0.0:80 to 80/tcp", "10.0.0.1:81 to 81/tcp"]),
        ([port("80"), port("81", target=81) | {"protocol": "udp"}], ["0.0.0.0:80 to 80/tcp", "0.0.0.0:81 to 81/udp"]),
    ],
)
def test_only_neighbours_to_which_the_same_happens_are_a_range(published: list[Any], texts: list[str]) -> None:
    found = [text for rule, _, text in fired((web(), web(*published))) if rule == OPENED]
    verbs = ["are" if "-" in text else "is" for text in texts]
    assert found == [
        f"{'ports' if verb == 'are' else 'port'} {text} {verb} newly reachable from the network"
        for text, verb in zip(texts, verbs, strict=True)
    ]


def test_a_port_whose_number_the_engine_chooses_is_known_by_what_it_leads_to() -> None:
    chosen, local, fixed = port("", target=81), port("", "127.0.0.1", 81), port("81", target=81)
    assert fired((web(port("80"), chosen), web(chosen))) == [
        ("exposure.port_closed", "services.web.ports", "port 80 is no longer published")
    ]
    assert fired((web(chosen), web(local))) == [
        ("exposure.port_closed", "services.web.ports", "port (any) to 81/tcp is only on 127.0.0.1")
    ]
    assert fired((web(local), web(chosen))) == [
        (
            "exposure.bind_address",
            "services.web.ports.0",
            "port (any) to 81/tcp listens on 0.0.0.0 instead of 127.0.0.1",
        )
    ]
    assert fired((web(chosen), web(fixed))) == [
        (OPENED, "services.web.ports.0", "port 0.0.0.0:81 to 81/tcp is newly reachable from the network"),
        ("exposure.port_closed", "services.web.ports", "port (any) to 81/tcp is no longer published"),
    ]


def test_each_port_is_taken_by_the_first_other_service() -> None:
    one = stack("x", services={"a": {"ports": [port("80", "10.0.0.1")]}, "b": {"ports": [port("80", "10.0.0.2")]}})
    assert fired((stack("x"), one), (None, None)) == [
        (OPENED, "services.a.ports.0", "port 10.0.0.1:80 to 80/tcp is newly reachable from the network"),
        (OPENED, "services.b.ports.0", "port 10.0.0.2:80 to 80/tcp is newly reachable from the network"),
    ]
    every = stack("y", services={"c": {"ports": [port("80"), port("80", "10.0.0.2")]}})
    taken = [text for rule, _, text in fired((one, one), (stack("y"), every)) if rule == "collision.port"]
    assert taken == ["port 80/tcp is taken by s0 / a", "port 80/tcp is taken by s0 / b"]
    later = stack("z", services={"d": {"ports": [port("80", "10.0.0.3")]}})
    taken = [text for rule, _, text in fired((every, every), (stack("z"), later)) if rule == "collision.port"]
    assert taken == ["port 80/tcp is taken by s0 / c"]


def test_lists_are_compared_by_their_items() -> None:
    before, after = [{"b": 1, "a": 2}, "x", 5], ["y", {"a": 2, "b": 1}, "5"]
    assert find_differences(before, after) == ([(1, "x"), (2, 5)], [(0, "y"), (2, "5")])
    many = [{"target": number} for number in range(20_000)]
    assert find_differences(many, many[::-1]) == ([], [])


def test_twins_have_the_same_target_and_protocol() -> None:
    tcp, udp = {"target": 1, "protocol": "tcp", "x": 1}, {"target": 1, "protocol": "udp"}
    twins = Twins([(4, tcp), (5, udp), (7, tcp), (8, "text"), (9, {"source": 1})])
    assert twins.take({"target": 1, "protocol": "udp"}) == (5, udp)
    assert twins.take({"target": 1, "protocol": "udp"}) is None
    assert twins.take({"target": 1, "protocol": "tcp"}) == (4, tcp)
    assert twins.take({"target": 2, "protocol": "tcp"}) is None
    assert twins.take({}) is None
    assert twins.take("text") is None
    assert twins.left() == [(7, tcp), (8, "text"), (9, {"source": 1})]


def test_a_large_diff_is_one_hunk() -> None:
    old = [f"line {number}" for number in range(20_000)]
    new = [*old[:100], "other", *old[102:19_000], "last", *old[19_000:]]
    lines = render_diff(old, new).splitlines()
    assert lines[:7] == [
        "--- old",
        "+++ new",
        "@@ -99,18906 +99,18906 @@",
        '   "line 97",',
        '   "line 98",',
        '   "line 99",',
        '-  "line 100",',
    ]
    assert lines[-5:] == [
        '+  "line 18999",',
        '+  "last",',
        '   "line 19000",',
        '   "line 19001",',
        '   "line 19002",',
    ]
    assert render_diff(old, old) == ""
    grown = render_diff(None, old).splitlines()
    assert grown[:4] == ["--- old", "+++ new", "@@ -0,0 +1,20002 @@", "+["]
    assert render_diff(old, None).splitlines()[2] == "@@ -1,20002 +0,0 @@"


@pytest.mark.parametrize("length", [598, 599])
def test_up_to_six_hundred_lines_are_compared_one_by_one(length: int) -> None:
    old = [str(number) for number in range(length)]
    new = ["a", *old[1:-1], "b"]
    assert render_diff(old, new).count("@@ ") == (2 if length == 598 else 1)
