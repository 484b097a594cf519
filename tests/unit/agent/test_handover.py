"""Which containers let go of what another one is to have."""

from __future__ import annotations

from msgspec.structs import replace

from bot.agent.handover import (
    Claim,
    claims_of_containers,
    claims_of_order,
    find_holders,
    name_for_now,
    replaced_containers,
)
from bot.domain.names import ServiceName
from bot.engine.containers import Container, Holding, HostPort
from bot.protocol.action import Action
from tests.unit.agent.test_sequence import stack

ONE, TWO = ServiceName("one"), ServiceName("two")
HTTP = HostPort(number=80, protocol="tcp")
FIRST = Container(
    id="1",
    project="p-s",
    service=ONE,
    image="sha256:1",
    status="running",
    exit_code=0,
    started="t1",
    restarts=0,
    restart_policy="always",
    ports=(HTTP,),
)
HELD = {"1": Holding("first", frozenset(["lan/10.0.0.2", "lan/fd00::2"]))}


def test_what_an_order_claims() -> None:
    model = {
        "services": {
            "one": {
                "container_name": "first",
                "ports": [{"published": "80", "protocol": "tcp"}],
                "networks": {"lan": {"ipv4_address": "10.0.0.2", "ipv6_address": "fd00::2"}, "other": None},
            },
            "two": {"networks": {"far": {"ipv4_address": "10.0.1.2"}}},
            "three": {"container_name": "untouched"},
        },
        "networks": {"lan": {"name": "home"}},
    }
    given = stack(one=Action.RECREATE, two=Action.CREATE, three=Action.RESTART, four=Action.REBUILD)
    one, two, four = claims_of_order([given, stack("unread", x=Action.CREATE)], {"p-s": model})[:3]
    assert one == Claim(
        "p-s", ONE, frozenset(["first"]), frozenset([HTTP]), frozenset(["home/10.0.0.2", "home/fd00::2"])
    )
    assert two == Claim("p-s", TWO, addresses=frozenset(["far/10.0.1.2"]))
    assert four == Claim("p-s", ServiceName("four"))


def test_who_holds_what_another_claims() -> None:
    other = Claim("p-s", TWO)
    assert find_holders([other], [FIRST], HELD) == ((), ())
    assert find_holders([other._replace(names=frozenset(["first"]))], [FIRST], HELD) == ((), (FIRST,))
    assert find_holders([other._replace(ports=frozenset([HTTP]))], [FIRST], HELD) == ((FIRST,), ())
    assert find_holders([other._replace(addresses=frozenset(["lan/fd00::2"]))], [FIRST], HELD) == ((FIRST,), ())
    assert find_holders([other._replace(addresses=frozenset(["wan/10.0.0.2"]))], [FIRST], HELD) == ((), ())
    everything = Claim("p-s", ONE, frozenset(["first"]), frozenset([HTTP]), frozenset(["lan/10.0.0.2"]))
    assert find_holders([everything], [FIRST], HELD) == ((), ())
    assert find_holders([everything._replace(project="q")], iter([FIRST]), HELD) == ((FIRST,), (FIRST,))


def test_what_containers_had() -> None:
    unknown = replace(FIRST, id="2", ports=(), service=TWO)
    assert claims_of_containers([FIRST, unknown], HELD) == (
        Claim("p-s", ONE, frozenset(["first"]), frozenset([HTTP]), frozenset(["lan/10.0.0.2", "lan/fd00::2"])),
        Claim("p-s", TWO),
    )


def test_a_container_of_which_nothing_is_known_lets_go_of_its_ports_alone() -> None:
    claim = Claim("p-s", TWO, frozenset(["first", ""]), frozenset([HTTP]), frozenset(["lan/10.0.0.2"]))
    assert find_holders([claim._replace(names=frozenset(["first"]))], [FIRST], {}) == ((FIRST,), ())


def test_the_name_for_now() -> None:
    assert name_for_now(replace(FIRST, id="0123456789abcdef"), "web") == "web-0123456789ab"


def test_which_containers_an_order_replaces() -> None:
    two = replace(FIRST, id="2", service=TWO)
    elsewhere = replace(FIRST, id="3", project="q")
    for action, expected in [
        (Action.RECREATE, (FIRST,)),
        (Action.REBUILD, (FIRST,)),
        (Action.RESTART, ()),
        (Action.CREATE, ()),
    ]:
        assert replaced_containers([stack(one=action, two=Action.NONE)], [FIRST, two, elsewhere]) == expected
