"""Names, ports and addresses that pass from one service to another in one order.

The node stops who had them before it makes who is to have them (bot.agent.handover): both are down meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bot.domain import risk_rules as rules
from bot.domain.names import ServiceName, StackName
from bot.risks.pairs import Found, Model, NodePair, as_map, network_name, read_ports

_HOLDERS = 8  # of one thing; more of them cannot be
_SHOWN = 3

_Owner = tuple[StackName, str]


class _Held(NamedTuple):
    """What a service has for itself. `address` narrows a port down; "" is every address of the node."""

    key: tuple[str, ...]
    text: str
    place: str
    address: str = ""

    def meets(self, other: _Held) -> bool:
        """Whether two services cannot have these, which have one key, at a time."""
        return self.address == other.address or "" in (self.address, other.address)


def check_hand_overs(node: NodePair) -> Iterator[Found]:
    """Find what a service takes over from another one that goes on without it."""
    before = dict(_services((pair.stack, pair.old) for pair in node.stacks if pair.old is not None))
    after = dict(_services((pair.stack, pair.new) for pair in node.stacks if pair.new is not None))
    holders: dict[tuple[str, ...], list[tuple[_Owner, _Held]]] = {}
    for owner, held in before.items():
        for one in held:
            kept = holders.setdefault(one.key, [])
            if owner in after and len(kept) < _HOLDERS:
                kept.append((owner, one))
    kept_by = {owner: {(one.key, one.address) for one in held} for owner, held in after.items()}
    for owner, wanted in after.items():
        taken: dict[_Owner, list[_Held]] = {}
        for one in wanted:
            had = holders.get(one.key, [])
            if any(who == owner and one.meets(its) for who, its in had):
                continue
            for who, its in had:
                if who != owner and one.meets(its) and (its.key, its.address) not in kept_by[who]:
                    taken.setdefault(who, []).append(one)
        for (stack, name), things in taken.items():
            more = f" and {len(things) - _SHOWN} more" if len(things) > _SHOWN else ""
            listed = ", ".join(thing.text for thing in things[:_SHOWN]) + more
            verb = "passes" if len(things) == 1 else "pass"
            text = f"{listed} {verb} here from {stack} / {name}: both are down until this one runs"
            yield Found(rules.HAND_OVER, text, things[0].place, owner[0], ServiceName(owner[1]))


def _services(stacks: Iterable[tuple[StackName, Model]]) -> Iterator[tuple[_Owner, tuple[_Held, ...]]]:
    for stack, model in stacks:
        for name, service in as_map(model.get("services")).items():
            yield (stack, str(name)), tuple(_held(str(name), as_map(service), model))


def _held(name: str, service: Model, stack: Model) -> Iterator[_Held]:
    container = str(service.get("container_name") or "")
    if container:
        yield _Held(("name", container), f"container name {container}", f"services.{name}.container_name")
    for port, index in read_ports(service):
        if port.published:
            address = "" if port.is_everywhere else port.address
            text = f"port {port.published}/{port.protocol}"
            place = f"services.{name}.ports.{index}"
            yield _Held(("port", str(port.published), port.protocol), text, place, address)
    for key, attached in as_map(service.get("networks")).items():
        for field in ("ipv4_address", "ipv6_address"):
            address = str(as_map(attached).get(field) or "")
            if address:
                network = network_name(str(key), stack)
                place = f"services.{name}.networks.{key}"
                yield _Held(("address", network, address), f"address {address} in {network}", place)
