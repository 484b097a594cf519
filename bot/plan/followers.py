"""Find who shares a container by its name: `container:NAME`, also over the stacks of a node. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from bot.plan.causes import Cause, ReasonCode, find_source
from bot.plan.model import StackPlan
from bot.plan.rendering import Rendering
from bot.protocol.action import Action

NAMESPACES = ("network_mode", "ipc", "pid")
_MADE = {Action.RECREATE: Action.RECREATE, Action.REBUILD: Action.RECREATE, Action.RESTART: Action.RESTART}

Replaced = Mapping[str, Action]
"""Containers that are recreated or restarted, by name."""
T = TypeVar("T")


def settle(
    follows: Sequence[frozenset[str]], decide: Callable[[int, Replaced], T], replaced_by: Callable[[int, T], Replaced]
) -> tuple[T, ...]:
    """Decide stacks, each with what the others replace of the containers that it follows.

    A stack is decided again while that changes: it only grows.
    """
    seen: list[Replaced] = [{} for _ in follows]
    decided = [decide(number, {}) for number in range(len(follows))]
    while True:
        replaced = [replaced_by(number, one) for number, one in enumerate(decided)]
        others: list[Replaced] = [
            {
                name: one[name]
                for at, one in enumerate(replaced)
                if at != number
                for name in sorted(names & one.keys())
            }
            for number, names in enumerate(follows)
        ]
        if others == seen:
            return tuple(decided)
        for number, (was, now) in enumerate(zip(seen, others, strict=True)):
            if was != now:
                decided[number] = decide(number, now)
        seen = others


def followed_containers(services: Mapping[str, Any]) -> frozenset[str]:
    """The containers, by name, that `services` share something of."""
    return frozenset(
        origin
        for spec in services.values()
        for value in (*(spec.get(field) for field in NAMESPACES), *(spec.get("volumes_from") or ()))
        if (origin := container_of(value))
    )


def replaced_containers(plans: Iterable[StackPlan], model: Mapping[str, Any]) -> Replaced:
    """The containers of one stack that its plans recreate or restart."""
    return {
        container_name(plan.project, service.service, model["services"][service.service]): _MADE[service.action]
        for plan in plans
        for service in plan.services
        if service.action in _MADE and service.service in model["services"]
    }


def container_name(project: object, service: str, spec: Mapping[str, Any]) -> str:
    """The name of a service's (first) container."""
    return str(spec.get("container_name") or f"{project}-{service}-1")


def follower_causes(
    services: Mapping[str, Any], rendering: Rendering, replaced: Mapping[str, Action]
) -> Iterator[tuple[str, Cause]]:
    """Find the services that share a namespace or volumes of a container of another stack.

    `replaced` are the names of the other stacks' containers that are recreated, or restarted.
    """
    for name, spec in services.items():
        for field in NAMESPACES:
            origin = container_of(spec.get(field))
            if origin in replaced:
                yield name, shared_cause(name, field, origin, replaced[origin], rendering)
        for mounted in spec.get("volumes_from") or ():
            origin = container_of(mounted)
            if replaced.get(origin) is Action.RECREATE:
                yield name, volumes_cause(name, origin, rendering)


def container_of(value: object) -> str:
    """The container that `container:NAME` (with a mode behind it or not) means; "" for anything else."""
    kind, _, rest = str(value or "").partition(":")
    return rest.partition(":")[0] if kind == "container" else ""


def shared_cause(name: str, field: str, origin: str, action: Action, rendering: Rendering) -> Cause:
    """The cause of a service that shares a namespace of `origin`, which is recreated or restarted."""
    text = (
        f"shares {_shared(field)} with {origin}, which is {'restarted' if action is Action.RESTART else 'recreated'}"
    )
    return Cause(action, ReasonCode.NAMESPACE_SHARED, text, find_source(rendering, f"services.{name}.{field}"))


def volumes_cause(name: str, origin: str, rendering: Rendering) -> Cause:
    """The cause of a service that mounts the volumes of `origin`, which is recreated."""
    at = find_source(rendering, f"services.{name}.volumes_from")
    return Cause(Action.RECREATE, ReasonCode.VOLUMES_FROM, f"mounts the volumes of {origin}", at)


def _shared(field: str) -> str:
    return {"network_mode": "the network", "ipc": "memory (ipc)", "pid": "processes (pid)"}[field]
