"""Put what an order changes into the order in which the node does it: who is needed comes first. Pure.

Stacks are sorted by what one needs of another. Inside of a stack services follow each other in batches, each of one
compose command, so that a dependency is never restarted under a dependent that was recreated before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from bot.domain.names import ServiceName
from bot.protocol.action import Action
from bot.protocol.order import StackOrder

_NAMESPACES = ("network_mode", "ipc", "pid")
_TOUCHED = (Action.CREATE, Action.RECREATE, Action.REBUILD, Action.RESTART)

Models = Mapping[str, Mapping[str, Any]]
"""Resolved models by project."""


class Step(StrEnum):
    """What one batch does to its services."""

    REPLACE = "replace"  # `up`, also where compose sees no difference
    SCALE = "scale"  # `up`: more containers beside those that run, or fewer
    RESTART = "restart"
    RELOAD = "reload"


class Batch(NamedTuple):
    """Services of one stack that are changed by one command."""

    step: Step
    services: tuple[ServiceName, ...]


def container_names(project: str, service: str, spec: Mapping[str, Any]) -> frozenset[str]:
    """The names under which others may mean a service's container."""
    return frozenset([str(spec.get("container_name") or f"{project}-{service}-1")])


def needed_services(spec: Mapping[str, Any]) -> frozenset[str]:
    """The services of its own stack that a service needs to run first."""
    shared = {str(spec.get(field) or "") for field in _NAMESPACES}
    mounted = {str(one).split(":")[0] for one in spec.get("volumes_from") or () if not _is_container(one)}
    linked = {str(one).split(":")[0] for one in spec.get("links") or ()}
    by_name = {one.removeprefix("service:") for one in shared if one.startswith("service:")}
    return frozenset({*(spec.get("depends_on") or {}), *by_name, *mounted, *linked})


def needed_containers(spec: Mapping[str, Any]) -> frozenset[str]:
    """The containers, by name, whose namespace or volumes a service shares, or to which it is linked."""
    shared = (str(spec.get(field) or "") for field in _NAMESPACES)
    found = {one.removeprefix("container:") for one in shared if one.startswith("container:")}
    found |= {str(one).split(":")[1] for one in spec.get("volumes_from") or () if _is_container(one)}
    return frozenset(found | {str(one).split(":")[0] for one in spec.get("external_links") or ()})


def _is_container(mounted: object) -> bool:
    return str(mounted).startswith("container:")


def stack_needs(stacks: Iterable[StackOrder], models: Models) -> dict[str, set[str]]:
    """By project, the projects whose containers its services share; only services that the order changes count."""
    stacks = tuple(stacks)
    owners: dict[str, str] = {}
    for stack in stacks:
        for service, spec in _touched(stack, models):
            owners |= dict.fromkeys(container_names(stack.project, service, spec), stack.project)
    return {
        stack.project: {
            owners[name]
            for _, spec in _touched(stack, models)
            for name in needed_containers(spec)
            if owners.get(name, stack.project) != stack.project
        }
        for stack in stacks
    }


def _touched(stack: StackOrder, models: Models) -> list[tuple[ServiceName, Mapping[str, Any]]]:
    services = models.get(stack.project, {}).get("services", {})
    return [
        (one.service, services[one.service])
        for one in stack.services
        if one.action in _TOUCHED and one.service in services
    ]


def sort_stacks(stacks: Sequence[StackOrder], needs: Mapping[str, Iterable[str]]) -> tuple[StackOrder, ...]:
    """`stacks`, each behind those that it needs (both by project), and otherwise in the order in which they are."""
    placed: list[StackOrder] = []
    waiting = list(stacks)
    while waiting:
        open_projects = {stack.project for stack in waiting}
        ready = next(
            (s for s in waiting if not (open_projects - {s.project}).intersection(needs.get(s.project, ()))),
            waiting[0],  # two stacks that need each other: compose reports what does not work
        )
        waiting.remove(ready)
        placed.append(ready)
    return tuple(placed)


def find_batches(stack: StackOrder, model: Mapping[str, Any], present: Iterable[str]) -> tuple[Batch, ...]:
    """The batches of one stack; `present` are its services that have a container.

    A service stands in a batch behind those that it needs. Where there is a choice, a batch takes all that it can.
    """
    steps = _steps(stack, frozenset(present))
    needs = _needs(stack.project, model, steps)
    batches: list[Batch] = []
    waiting = dict(steps)
    while waiting:
        ready = [name for name in waiting if not needs[name] & set(waiting)] or list(waiting)
        step = next((step for step in Step if any(waiting[name] is step for name in ready)), Step.REPLACE)
        batch: list[ServiceName] = []
        # Compose itself keeps the order inside of one command.
        while more := [
            name
            for name in waiting
            if waiting[name] is step and name not in batch and not (needs[name] & set(waiting)) - set(batch)
        ]:
            batch += more
        batch = batch or [name for name in ready if waiting[name] is step]  # services that need each other
        batches.append(Batch(step, tuple(batch)))
        for name in batch:
            del waiting[name]
    return tuple(batches)


def _steps(stack: StackOrder, present: frozenset[str]) -> dict[ServiceName, Step]:
    steps = {}
    for ordered in stack.services:
        is_here = ordered.service in present
        match ordered.action:
            case Action.RECREATE | Action.REBUILD:
                steps[ordered.service] = Step.REPLACE
            case Action.CREATE:
                steps[ordered.service] = Step.SCALE if is_here else Step.REPLACE
            case Action.RESTART:
                steps[ordered.service] = Step.RESTART if is_here else Step.REPLACE
            case Action.RELOAD:
                steps[ordered.service] = Step.RELOAD
            case Action.REMOVE if ordered.remaining and is_here:
                steps[ordered.service] = Step.SCALE
    return steps


def _needs(project: str, model: Mapping[str, Any], steps: Mapping[ServiceName, Step]) -> dict[ServiceName, set[str]]:
    services = model.get("services", {})
    owners = {
        name: service for service in steps for name in container_names(project, service, services.get(service, {}))
    }
    needs: dict[ServiceName, set[str]] = {}
    for service in steps:
        spec = services.get(service, {})
        named = {owners[name] for name in needed_containers(spec) if name in owners}
        needs[service] = ({*needed_services(spec), *named}) - {service}
    return needs
