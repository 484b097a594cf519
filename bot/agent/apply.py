"""Carry out an order stack by stack: do to each service what the order says, and nothing to any other.

What each Action means here:
- none: the service is named in no command.
- create: built where it has a build, and brought up; of a service that runs already, more containers.
- recreate, rebuild: `up` of these services alone, also where compose sees no difference, because a mounted file may
  be the reason. rebuild builds the image first.
- restart: `restart` of the service alone; one that has no container is brought up.
- reload: the order's signal, to the service's running containers.
- remove: stopped and removed by its labels, or scaled down to the containers that remain. Volumes stay, always.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bot.agent.orders import services_with
from bot.domain.names import ServiceName
from bot.engine.compose import ComposeStack
from bot.engine.docker import Docker
from bot.protocol.action import Action
from bot.protocol.order import StackOrder


def apply_stack(docker: Docker, root: Path, stack: StackOrder) -> None:
    """Carry out the order for one stack of the checkout at `root`. Raises DockerError with what went wrong."""
    compose = ComposeStack(docker, root, stack)
    scaled_down = [ordered.service for ordered in stack.services if ordered.remaining]
    for service in services_with(stack, Action.REMOVE):
        if service not in scaled_down:
            docker.remove_service(stack.project, service)
    created = services_with(stack, Action.CREATE)
    built = [*created, *services_with(stack, Action.REBUILD)]
    if built:
        compose.build(built)
    present = {container.service for container in docker.containers([stack.project])}
    restarted = services_with(stack, Action.RESTART)
    absent = [service for service in (*created, *restarted) if service not in present]
    recreate(docker, root, stack, [*services_with(stack, Action.RECREATE, Action.REBUILD), *absent])
    scaled = [service for service in (*created, *scaled_down) if service in present]
    if scaled:
        compose.up(scaled, recreate=False)
    running = [service for service in restarted if service in present]
    if running:
        compose.restart(running)
    for ordered in stack.services:
        if ordered.action is Action.RELOAD:
            compose.send_signal(ordered.service, ordered.signal)


def recreate(docker: Docker, root: Path, stack: StackOrder, services: Iterable[ServiceName]) -> None:
    """Replace the containers of these services, and of no other; no services are fine.

    The stack's networks that have to change are removed first: compose creates them with the containers.
    """
    names = list(services)
    if names:
        for network in stack.networks:
            docker.remove_network(network)
        ComposeStack(docker, root, stack).up(names, recreate=True)
