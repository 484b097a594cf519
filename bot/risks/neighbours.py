"""Risks among the stacks of one node, which compose and the engine notice only while deploying."""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from bot.domain import risk_rules as rules
from bot.domain.names import ServiceName, StackName
from bot.plan.rendering import CHECKOUT
from bot.risks.pairs import (
    Found,
    Model,
    NodePair,
    as_list,
    as_map,
    network_name,
    read_mounts,
    read_ports,
    volume_name,
)
from bot.risks.port_ranges import PortChange, as_ranges

_WINDOWS = re.compile(r"[A-Za-z]:[\\/].*|\\\\.*|/(?:run/desktop/mnt/host|host_mnt)/.*")
_POSIX = re.compile(r"/(?!/)(?!run/desktop/|host_mnt/|[a-zA-Z]/|mnt/[a-zA-Z]/).*")
_ENGINE = re.compile(r"/{1,2}(?:var/)?run/docker\.sock")  # Docker Desktop answers there on Windows too
_ANY = "*"


class _Side(NamedTuple):
    """The stacks of a node on one side of the change, in deployment order."""

    platform: str
    stacks: list[tuple[StackName, Model]]
    unreadable: bool


def check_node(node: NodePair) -> Iterator[Found]:
    """Find the conflicts that the change introduces; existing ones are not repeated."""
    unreadable = any(pair.unreadable for pair in node.stacks)
    old = _Side(node.platform, [(p.stack, p.old) for p in node.stacks if p.old is not None], unreadable)
    new = _Side(node.platform, [(p.stack, p.new) for p in node.stacks if p.new is not None], unreadable)
    for check in _CHECKS:
        known = {(found.stack, found.service, found.text) for found in check(old)}
        yield from (f for f in check(new) if (f.stack, f.service, f.text) not in known)
    yield from _check_order(old, new)


def _check_names(side: _Side) -> Iterator[Found]:
    seen: dict[str, str] = {}
    for stack, name, service in _services(side):
        container = str(service.get("container_name") or "")
        other = seen.setdefault(container, f"{stack} / {name}") if container else ""
        if other not in ("", f"{stack} / {name}"):
            text = f"container name {container} is taken by {other}"
            place = f"services.{name}.container_name"
            yield Found(rules.SAME_CONTAINER_NAME, text, place, stack, ServiceName(name))


def _check_ports(side: _Side) -> Iterator[Found]:
    yield from as_ranges(_taken_ports(side))


def _taken_ports(side: _Side) -> Iterator[PortChange]:
    """Each port with the first service that took it before, by number and protocol."""
    holders: dict[tuple[int, str], dict[str, list[tuple[StackName, str]]]] = {}
    for stack, name, service in _services(side):
        for port, index in read_ports(service):
            if not port.published:
                continue
            taken = holders.setdefault((port.published, port.protocol), {})
            address = "" if port.is_everywhere else port.address
            near = taken.get(_ANY, []) if not address else taken.get("", []) + taken.get(address, [])
            other = next((who for who in near if who != (stack, name)), None)
            if other:
                rest = f"taken by {other[0]} / {other[1]}"
                place = f"services.{name}.ports.{index}"
                yield PortChange(port, place, rules.SAME_PORT, "is", rest, "protocol", stack, ServiceName(name))
            for kept in (taken.setdefault(address, []), taken.setdefault(_ANY, [])):
                if len(kept) < 2 and (stack, name) not in kept:  # of two, one is another service than the next
                    kept.append((stack, name))


def _check_subnets(side: _Side) -> Iterator[Found]:
    nets = []
    for stack, model in side.stacks:
        for key, body in as_map(model.get("networks")).items():
            for config in as_list(as_map(as_map(body).get("ipam")).get("config")):
                try:
                    subnet = ipaddress.ip_network(str(as_map(config).get("subnet")), strict=False)
                except ValueError:
                    continue
                nets.append((stack, key, network_name(key, model), subnet))
    for (other, _, its, taken), (stack, key, name, subnet) in itertools.combinations(nets, 2):
        if (other, its) != (stack, name) and taken.version == subnet.version and taken.overlaps(subnet):
            text = f"subnet {subnet} of network {name} overlaps with {taken} of {its} ({other})"
            yield Found(rules.SAME_SUBNET, text, f"networks.{key}.ipam", stack)


def _check_networks(side: _Side) -> Iterator[Found]:
    created: dict[str, StackName] = {}
    for stack, model in side.stacks:
        for key, name in _created(model):
            other = created.setdefault(name, stack)
            if other != stack:
                text = f"network {name} is created by {other} already; make it `external` here"
                yield Found(rules.SAME_NETWORK, text, f"networks.{key}", stack)


def _check_volumes(side: _Side) -> Iterator[Found]:
    made: dict[str, StackName] = {}
    for stack, model in side.stacks:
        for key, body in as_map(model.get("volumes")).items():
            if as_map(body).get("external"):
                continue
            name = volume_name(str(key), model)
            other = made.setdefault(name, stack)
            if other != stack:
                text = f"volume {name} is that of {other}; where both are to use it, make it `external` here"
                yield Found(rules.SAME_VOLUME, text, f"volumes.{key}", stack)


def _check_projects(side: _Side) -> Iterator[Found]:
    seen: dict[str, StackName] = {}
    for stack, model in side.stacks:
        project = str(model.get("name") or "")
        other = seen.setdefault(project, stack) if project else stack
        if other != stack:
            yield Found(rules.SAME_PROJECT, f"project name {project} is that of {other}", "name", stack)


def _check_paths(side: _Side) -> Iterator[Found]:
    on_windows = side.platform == "windows"
    foreign = _POSIX if on_windows else _WINDOWS
    for stack, name, service in _services(side):
        for mount, index in read_mounts(service, {}).values():
            source = mount.source
            if mount.kind != "bind" or _ENGINE.fullmatch(source) or f"{source}/".startswith(f"{CHECKOUT}/"):
                continue
            if foreign.fullmatch(source):
                kinds = ("Linux", "Windows") if on_windows else ("Windows", side.platform.capitalize())
                text = f"{source} is a {kinds[0]} path, and this node runs {kinds[1]}"
                yield Found(rules.FOREIGN_PATH, text, f"services.{name}.volumes.{index}", stack, ServiceName(name))


def _check_external(side: _Side) -> Iterator[Found]:
    created = {name for _, model in side.stacks for _, name in _created(model)}
    for stack, model in side.stacks:
        for key, name in _external(model):
            if name not in created:
                who = "no stack that could be read" if side.unreadable else "no stack of this node"
                text = f"external network {name}: {who} creates it"
                yield Found(rules.EXTERNAL_MISSING, text, f"networks.{key}", stack)


_CHECKS: tuple[Callable[[_Side], Iterator[Found]], ...] = (
    _check_names,
    _check_ports,
    _check_subnets,
    _check_networks,
    _check_volumes,
    _check_projects,
    _check_paths,
    _check_external,
)


def _check_order(old: _Side, new: _Side) -> Iterator[Found]:
    """Find networks that are needed before they are created. One that exists already may be created anywhere."""
    there = {name for _, model in old.stacks for _, name in _created(model)}
    owners: dict[str, tuple[int, StackName]] = {}
    for rank, (stack, model) in enumerate(new.stacks):
        for _, name in _created(model):
            owners.setdefault(name, (rank, stack))
    for rank, (stack, model) in enumerate(new.stacks):
        for key, name in _external(model):
            owner = owners.get(name)
            if owner and owner[0] > rank and name not in there:
                text = f"external network {name} is created by {owner[1]}, which is deployed later"
                yield Found(rules.CREATED_LATER, text, f"networks.{key}", stack)


def _services(side: _Side) -> Iterator[tuple[StackName, str, Model]]:
    for stack, model in side.stacks:
        for name, service in as_map(model.get("services")).items():
            yield stack, str(name), as_map(service)


def _created(model: Model) -> Iterator[tuple[str, str]]:
    """Key and name of every network that the stack creates: those that a service uses."""
    for key, body in as_map(model.get("networks")).items():
        if not as_map(body).get("external"):
            yield str(key), network_name(key, model)


def _external(model: Model) -> Iterator[tuple[str, str]]:
    for key, body in as_map(model.get("networks")).items():
        if as_map(body).get("external") and network_name(key, model) not in ("host", "bridge", "none"):
            yield str(key), network_name(key, model)
