"""Find containers that hold a name, port or address which another container of the same order is to get. Pure.

Compose creates a container before it removes the one that it replaces. Two services that swap a name, a port or an
address would each wait for the other, so who holds what is wanted lets go of it first: one interruption for both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from bot.agent.orders import services_with
from bot.domain.names import ServiceName
from bot.engine.containers import Container, Holding, HostPort
from bot.engine.ports import requested_ports
from bot.protocol.action import Action
from bot.protocol.order import StackOrder

_MADE = (Action.CREATE, Action.RECREATE, Action.REBUILD)


class Claim(NamedTuple):
    """What the containers of one service are to have for themselves."""

    project: str
    service: ServiceName
    names: frozenset[str] = frozenset()
    ports: frozenset[HostPort] = frozenset()
    addresses: frozenset[str] = frozenset()  # "NETWORK/ADDRESS"


class Holders(NamedTuple):
    """Containers that have to let go: by being stopped (ports, addresses), or renamed."""

    stop: tuple[Container, ...] = ()
    rename: tuple[Container, ...] = ()


def claims_of_order(stacks: Iterable[StackOrder], models: Mapping[str, Mapping[str, Any]]) -> tuple[Claim, ...]:
    """What the services that an order recreates are to have, by their resolved models."""
    claims = []
    for stack in stacks:
        model = models.get(stack.project) or {"services": {}}
        for service in services_with(stack, *_MADE):
            spec = model["services"].get(service) or {}
            ports = frozenset(binding.port for binding in requested_ports(stack.project, [service], model))
            name = spec.get("container_name")
            names = frozenset([str(name)] if name else ())
            claims.append(Claim(stack.project, service, names, ports, _static_addresses(spec, model)))
    return tuple(claims)


def _static_addresses(spec: Mapping[str, Any], model: Mapping[str, Any]) -> frozenset[str]:
    networks = model.get("networks") or {}
    return frozenset(
        f"{(networks.get(key) or {}).get('name') or key}/{attached[field]}"
        for key, attached in (spec.get("networks") or {}).items()
        for field in ("ipv4_address", "ipv6_address")
        if attached and attached.get(field)
    )


def claims_of_containers(containers: Iterable[Container], holdings: Mapping[str, Holding]) -> tuple[Claim, ...]:
    """What these containers had, to be had again by those that are put back."""
    claims = []
    for c in containers:
        name, addresses = holdings.get(c.id, Holding())
        claims.append(Claim(c.project, c.service, frozenset([name]) - {""}, frozenset(c.ports), addresses))
    return tuple(claims)


def name_for_now(container: Container, name: str) -> str:
    """The name of a container that let go of its own."""
    return f"{name}-{container.id[:12]}"


def find_holders(
    claims: Iterable[Claim], containers: Iterable[Container], holdings: Mapping[str, Holding]
) -> Holders:
    """Those of `containers` that hold what another service claims."""
    claims = tuple(claims)
    stop, rename = [], []
    for container in containers:
        name, addresses = holdings.get(container.id, Holding())
        others = [c for c in claims if (c.project, c.service) != (container.project, container.service)]
        if any(name in claim.names for claim in others):
            rename.append(container)
        if any(
            claim.addresses & addresses
            or any(port.conflicts_with(held) for port in claim.ports for held in container.ports)
            for claim in others
        ):
            stop.append(container)
    return Holders(tuple(stop), tuple(rename))


def replaced_containers(stacks: Iterable[StackOrder], containers: Iterable[Container]) -> tuple[Container, ...]:
    """The containers that an order replaces."""
    going = {
        (stack.project, service)
        for stack in stacks
        for service in services_with(stack, Action.RECREATE, Action.REBUILD)
    }
    return tuple(c for c in containers if (c.project, c.service) in going)
