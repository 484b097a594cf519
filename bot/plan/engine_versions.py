"""Find what services need of an engine that is newer than a node's: compose reads it all, whatever the engine. Pure.

What compose refuses for an older engine, it refuses when it makes the container, after the old one is gone
(docker/compose v2.40.3 pkg/compose/create.go and convert.go; for subpaths and mounts the client library that it uses,
client/container_create.go). Versions with the client library of 2026 refuse less. What an engine ignores it does not
even mention: it drops fields that it does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from bot.domain.names import ServiceName
from bot.domain.versions import Version, is_version, parse_version, render_version
from bot.plan.model import StackPlan
from bot.protocol.action import Action

_DOCKER = "Docker Engine "
_LENIENT = (
    5,
    3,
)  # the oldest compose of which it was seen that it hands these settings to an engine that ignores them
_MADE = (Action.CREATE, Action.RECREATE, Action.REBUILD)


class EngineNeed(NamedTuple):
    """A setting of a service, and the first version of the engine that has it.

    `is_refused`: with those before, compose makes no container. Otherwise it makes one without the setting.
    """

    service: ServiceName
    setting: str
    since: Version
    is_refused: bool = True


def made_services(stack: StackPlan) -> list[ServiceName]:
    """The services of which the plan makes a container."""
    return [one.service for one in stack.services if one.action in _MADE]


def find_needs(services: Iterable[ServiceName], model: Mapping[str, Any], compose: Version) -> Iterator[EngineNeed]:
    """What `services` of a rendered stack set and an older engine does not have.

    `compose` is the version that makes the containers; () refuses what any version does.
    """
    refuses = compose < _LENIENT
    for service in services:
        spec = (model.get("services") or {}).get(service) or {}
        yield from (EngineNeed(service, *found) for found in dict.fromkeys(_of_service(spec, model, refuses=refuses)))


def _of_service(
    spec: Mapping[str, Any], model: Mapping[str, Any], *, refuses: bool
) -> Iterator[tuple[str, Version, bool]]:
    if "start_interval" in (spec.get("healthcheck") or {}):
        yield "healthcheck.start_interval", (25,), refuses
    for mount in spec.get("volumes") or ():
        if mount.get("type") == "image":
            yield "a volume of type image", (28,), True
        if (mount.get("volume") or {}).get("subpath"):
            yield "volume.subpath", (26,), False
        if (mount.get("bind") or {}).get("recursive") == "readonly":
            yield "bind.recursive", (25,), refuses
    networks = [one or {} for one in (spec.get("networks") or {}).values()]
    if any(one.get("interface_name") for one in networks):
        yield "interface_name", (28, 1), True
    if any(one.get("mac_address") for one in networks):
        yield "mac_address of a network", (25,), refuses
    if any(one.get("gw_priority") for one in networks):
        yield "gw_priority", (28,), False
    if spec.get("annotations"):
        yield "annotations", (24,), False
    for name in spec.get("networks") or ():
        if ((model.get("networks") or {}).get(name) or {}).get("enable_ipv4") is False:
            yield "enable_ipv4", (28,), False


def read_engine(reported: str) -> Version:
    """The version of a Docker Engine that a node reports as "Docker Engine 28.1.1"; () for anything else."""
    version = reported.removeprefix(_DOCKER)
    return parse_version(version) if version != reported and is_version(version) else ()


def find_lacks(
    stacks: Iterable[tuple[str, Iterable[ServiceName], Mapping[str, Any]]], engine: Version, compose: Version
) -> list[tuple[str, EngineNeed]]:
    """What an engine of this version does not have and `stacks` need: names, services to be made, rendered models.

    Each need comes with its stack's name. None where the engine's version is not known.
    """
    return [
        (stack, need)
        for stack, services, model in stacks
        for need in find_needs(services, model, compose)
        if engine and engine < need.since
    ]


def describe_lacks(needs: Iterable[tuple[str, EngineNeed]], engine: Version) -> Iterator[str]:
    """One line for each setting that the engine does not have; needs come with the stack that they are of."""
    found: dict[tuple[str, Version, bool], list[str]] = {}
    for stack, need in needs:
        found.setdefault((need.setting, need.since, need.is_refused), []).append(f"{stack}/{need.service}")
    for (setting, since, is_refused), places in found.items():
        where = places[0] if len(places) == 1 else f"{places[0]} and {len(places) - 1} more"
        does = f"cannot run {where} with" if is_refused else f"runs {where} without"
        yield f"Docker Engine {render_version(engine)} {does} {setting}, which came with {render_version(since)}"
