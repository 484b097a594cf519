"""What services need of each other, and stacks: containers that they share, and images that they run. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from bot.domain.names import ServiceName
from bot.plan.followers import NAMESPACES, container_name, container_of, made_images, used_images
from bot.plan.image_sources import image_name
from bot.protocol.action import Action
from bot.protocol.order import StackOrder

_TOUCHED = (Action.CREATE, Action.RECREATE, Action.REBUILD, Action.RESTART)
T = TypeVar("T")

Models = Mapping[str, Mapping[str, Any]]
"""Resolved models by project."""


def needed_containers(spec: Mapping[str, Any]) -> frozenset[str]:
    """The containers, by name, whose namespace or volumes a service shares, or to which it is linked."""
    shared = (*(spec.get(field) for field in NAMESPACES), *(spec.get("volumes_from") or ()))
    linked = {str(one).split(":")[0] for one in spec.get("external_links") or ()}
    return frozenset({name for one in shared if (name := container_of(one))} | linked)


def needed_services(spec: Mapping[str, Any]) -> frozenset[str]:
    """The services of its own stack that a service needs to run first."""
    shared = {str(spec.get(field) or "") for field in NAMESPACES}
    mounted = {str(one).split(":")[0] for one in spec.get("volumes_from") or () if not container_of(one)}
    linked = {str(one).split(":")[0] for one in spec.get("links") or ()}
    by_name = {one.removeprefix("service:") for one in shared if one.startswith("service:")}
    return frozenset({*(spec.get("depends_on") or {}), *by_name, *mounted, *linked})


def named_services(
    project: str, services: Mapping[str, Mapping[str, Any]], among: Collection[ServiceName]
) -> dict[ServiceName, set[str]]:
    """By service, those of its own stack whose containers it needs by their names; only services `among` these."""
    owners = {container_name(project, one, services.get(one, {})): one for one in among}
    needed = {one: needed_containers(services.get(one, {})) for one in among}
    return {one: {str(owners[name]) for name in needed[one] if name in owners} - {one} for one in among}


def stack_needs(stacks: Iterable[StackOrder], models: Models) -> dict[str, set[str]]:
    """By project, the projects whose containers its services share, or whose images they use.

    Only services that the order changes count.
    """
    stacks = tuple(stacks)
    owners: dict[str, str] = {}
    builders: dict[str, str] = {}
    for stack in stacks:
        for service, spec in _touched(stack, models):
            owners[container_name(stack.project, service, spec)] = stack.project
            builders |= dict.fromkeys(made_images(stack.project, service, spec), stack.project)
    needs: dict[str, set[str]] = {stack.project: set() for stack in stacks}
    for stack in stacks:
        for _, spec in _touched(stack, models):
            found = needs[stack.project]
            found.update(owners[name] for name in needed_containers(spec) if name in owners)
            found.update(builders[image] for image in map(image_name, used_images(spec)) if image in builders)
            found.discard(stack.project)
    return needs


def _touched(stack: StackOrder, models: Models) -> list[tuple[ServiceName, Mapping[str, Any]]]:
    services = models.get(stack.project, {}).get("services", {})
    return [
        (one.service, services[one.service])
        for one in stack.services
        if one.action in _TOUCHED and one.service in services
    ]


def sort_by_needs(
    items: Sequence[T], name: Callable[[T], str], needs: Mapping[str, Collection[str]]
) -> tuple[T, ...]:
    """`items`, each behind those that it needs (both by name), and otherwise in the order in which they are."""
    placed: list[T] = []
    waiting = list(items)
    while waiting:
        others = {name(one) for one in waiting}
        ready = next(
            (one for one in waiting if not (others - {name(one)}).intersection(needs.get(name(one), ()))),
            waiting[0],  # two that need each other: the node reports what does not work
        )
        waiting.remove(ready)
        placed.append(ready)
    return tuple(placed)
