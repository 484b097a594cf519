"""Do to each service exactly what the order says, and nothing to any other.

What each Action means here:
- none: the service is not named in any command.
- create: built where it has a build, and brought up; of a service that runs already, more containers.
- recreate, rebuild: `up` of these services alone, and anew even when compose sees no difference, because a mounted
  file may be the cause. rebuild builds the image first.
- restart: `restart` of the service alone; one that has no container is brought up.
- reload: the signal of the order, to the service's running containers.
- remove: stopped and removed by its labels, or down to the containers that are to remain. Volumes stay, always.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from bot.agent.containers import Container
from bot.agent.docker import Docker
from bot.agent.preflight import services_with
from bot.domain.names import ServiceName
from bot.protocol.action import Action
from bot.protocol.order import Order, StackOrder
from bot.protocol.outcome import Difference, DifferenceKind

_OF_RUNNING = (Action.NONE, Action.RELOAD, Action.RESTART, Action.RECREATE)


def remove_stack(docker: Docker, stack: StackOrder) -> None:
    """Take a whole stack down: containers and networks, by their labels, without its files; volumes stay."""
    docker.run("compose", "--project-name", stack.project, "down", quiet=False)


def apply_stack(docker: Docker, root: Path, stack: StackOrder) -> None:
    """Carry out the order for one stack of the checkout at `root`. Raises DockerError with what went wrong."""
    scaled_down = [ordered.service for ordered in stack.services if ordered.remaining]
    for service in services_with(stack, Action.REMOVE):
        if service not in scaled_down:
            docker.remove_service(stack.project, service)
    created = services_with(stack, Action.CREATE)
    built = [*created, *services_with(stack, Action.REBUILD)]
    if built:
        docker.compose(root, stack, "build", *built)  # one without a build is passed over
    here = {container.service for container in docker.containers([stack.project])}
    restarted = services_with(stack, Action.RESTART)
    absent = [service for service in (*created, *restarted) if service not in here]
    bring_up(docker, root, stack, [*services_with(stack, Action.RECREATE, Action.REBUILD), *absent])
    scaled = [service for service in (*created, *scaled_down) if service in here]
    if scaled:
        docker.compose(root, stack, "up", "--detach", "--no-deps", *scaled)
    present = [service for service in restarted if service in here]
    if present:
        docker.compose(root, stack, "restart", "--no-deps", *present)
    for ordered in stack.services:
        if ordered.action is Action.RELOAD:
            docker.compose(root, stack, "kill", "--signal", ordered.signal, ordered.service)


def with_absent(order: Order, before: Iterable[Container]) -> Order:
    """`order`, where each service that it takes to be running, and that has no container, is created.

    The first order for a node starts from the pin before the merge. A node that was kept by hand runs that already;
    a new one runs nothing yet.
    """
    here = {(container.project, container.service) for container in before}

    def complete(stack: StackOrder) -> StackOrder:
        services = tuple(
            replace(ordered, action=Action.CREATE)
            if ordered.action in _OF_RUNNING and (stack.project, ordered.service) not in here
            else ordered
            for ordered in stack.services
        )
        return replace(stack, services=services)

    return replace(order, stacks=tuple(complete(stack) for stack in order.stacks))


def with_disturbed(order: Order, differences: Iterable[Difference]) -> Order:
    """`order`, where what a failed order left broken is made anew, although the plan has nothing to do there."""
    broken = (DifferenceKind.MISSING, DifferenceKind.CHANGED, DifferenceKind.UNHEALTHY)
    found = {(one.stack, one.service) for one in differences if one.kind in broken}

    def complete(stack: StackOrder) -> StackOrder:
        services = tuple(
            replace(ordered, action=Action.RECREATE)
            if ordered.action is Action.NONE and (stack.stack, ordered.service) in found
            else ordered
            for ordered in stack.services
        )
        return replace(stack, services=services)

    return replace(order, stacks=tuple(complete(stack) for stack in order.stacks))


def to_watch(order: Order, project: str, model: Mapping[str, Any]) -> tuple[ServiceName, ...]:
    """The services that were touched and must be well now; those scaled to nothing have no container."""
    stack = next(stack for stack in order.stacks if stack.project == project)
    touched = services_with(stack, Action.CREATE, Action.RECREATE, Action.REBUILD, Action.RESTART, Action.RELOAD)
    return tuple(name for name in touched if _replicas(model["services"].get(name) or {}) != 0)


def _replicas(spec: Mapping[str, Any]) -> object:
    deployed = spec.get("deploy")
    return deployed.get("replicas", 1) if isinstance(deployed, dict) else spec.get("scale", 1)


def bring_up(docker: Docker, root: Path, stack: StackOrder, services: Iterable[ServiceName]) -> None:
    """Make the containers of these services anew, and of no other; none are fine."""
    names = list(services)
    if names:
        for network in stack.networks:
            docker.remove_network(network)
        docker.compose(root, stack, "up", "--detach", "--no-deps", "--force-recreate", *names)


def observe(before: Iterable[Container], after: Iterable[Container], service: ServiceName, project: str) -> Action:
    """What in truth happened to a service between two looks at its project's containers.

    More containers beside the old ones are a creation, fewer a removal. A reload leaves no trace and shows as none;
    a rebuild is a recreation with another image.
    """
    old = {c.id: c.started for c in before if (c.project, c.service) == (project, service)}
    new = {c.id: c.started for c in after if (c.project, c.service) == (project, service)}
    if old == new:
        return Action.NONE
    if old.items() < new.items():
        return Action.CREATE
    if new.items() < old.items():
        return Action.REMOVE
    return Action.RESTART if old.keys() == new.keys() else Action.RECREATE
