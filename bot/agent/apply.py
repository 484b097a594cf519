"""Carry out an order stack by stack: do to each service what the order says, and nothing to any other.

What each Action means here:
- none: the service is named in no command.
- create: brought up, from an image that was built where it has a build; of a service that runs, more containers.
- recreate, rebuild: `up` of these services alone, also where compose sees no difference, because a mounted file may
  be the reason. A rebuild is of services whose image was built, and came out different.
- restart: `restart` of the service alone; one that has no container is brought up.
- reload: the order's signal, to the service's running containers.
- remove: stopped and removed by its labels, before anything is created, or scaled down to the containers that remain.
  Volumes stay, always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from bot.agent.handover import Claim, find_holders, name_for_now
from bot.agent.orders import is_removal, services_with
from bot.agent.sequence import Step, find_batches
from bot.domain.names import ServiceName
from bot.engine.compose import ComposeStack
from bot.engine.containers import Container
from bot.engine.docker import Docker
from bot.protocol.action import Action
from bot.protocol.order import Order, ServiceOrder, StackOrder

_REPLACES = (Action.REBUILD, Action.RECREATE)


def remove_stacks(docker: Docker, order: Order) -> None:
    """Remove the stacks that go away as a whole. Raises DockerError.

    One whose compose project another folder goes on with loses only the services that are not there any longer.
    """
    going_on: dict[str, set[ServiceName]] = {}
    for stack in order.stacks:
        if not is_removal(stack):
            going_on.setdefault(stack.project, set()).update(one.service for one in stack.services)
    for stack in filter(is_removal, order.stacks):
        if stack.project not in going_on:
            docker.remove_project(stack.project)
            continue
        for ordered in stack.services:
            if ordered.service not in going_on[stack.project]:
                docker.remove_service(stack.project, ordered.service)


def let_go(docker: Docker, claims: Iterable[Claim], containers: Iterable[Container]) -> None:
    """Make those of `containers` let go of what other services claim. Raises DockerError."""
    claims, containers = tuple(claims), tuple(containers)
    holdings = docker.holdings(containers) if any(one.names or one.addresses for one in claims) else {}
    holders = find_holders(claims, containers, holdings)
    docker.stop(holders.stop)
    for container in holders.rename:
        docker.rename(container, name_for_now(container, holdings[container.id].name))


def remove_services(docker: Docker, stack: StackOrder) -> None:
    """Remove the services that leave a stack which stays. Raises DockerError."""
    for ordered in stack.services:
        if ordered.action is Action.REMOVE and not ordered.remaining:
            docker.remove_service(stack.project, ordered.service)


def build(
    docker: Docker, root: Path, stack: StackOrder, model: Mapping[str, Any], containers: Iterable[Container]
) -> StackOrder:
    """Build the images of one stack while everything runs; the stack, with what is left to do then. Or DockerError.

    A service of which every one of `containers` runs the image that came out is not recreated for the build's sake.
    """
    built = services_with(stack, Action.CREATE, Action.REBUILD)
    with_build = [service for service in built if model["services"][service].get("build")]
    if with_build:
        ComposeStack(docker, root, stack).build(with_build)
    running: dict[ServiceName, set[str]] = {}
    for container in containers:
        if container.project == stack.project:
            running.setdefault(container.service, set()).add(container.image)

    def is_same(ordered: ServiceOrder) -> bool:
        spec = model["services"][ordered.service]
        image = docker.image_id(spec.get("image") or f"{stack.project}-{ordered.service}")
        return bool(image) and running.get(ordered.service) == {image}

    return replace(stack, services=settle(stack.services, is_same))


def settle(services: tuple[ServiceOrder, ...], is_same: Callable[[ServiceOrder], bool]) -> tuple[ServiceOrder, ...]:
    """`services` with what is left to do after the builds; `is_same`: every container of one runs what came out."""
    open_ones = [one for one in services if one.if_same is not None and (one.follows or one.action in _REPLACES)]
    happens = {one.service for one in open_ones if not is_same(one)}
    while more := {one.service for one in open_ones if happens & {*one.follows}} - happens:
        happens |= more
    left = {one.service: one.if_same for one in open_ones if one.service not in happens}
    return tuple(replace(one, action=left[one.service]) if one.service in left else one for one in services)


def apply_stack(
    docker: Docker,
    root: Path,
    stack: StackOrder,
    model: Mapping[str, Any],
    *,
    watch: Callable[[tuple[ServiceName, ...]], None] = lambda _: None,
) -> None:
    """Carry out the order for one stack of the checkout at `root`, except for removals.

    `watch` is called with the services of each batch once it is done, and raises when they are not well. Raises
    DockerError with what went wrong.
    """
    compose = ComposeStack(docker, root, stack)
    batches = find_batches(stack, model, docker.services(stack.project))
    if any(batch.step is Step.REPLACE for batch in batches):
        remove_networks(docker, stack)
    signals = {ordered.service: ordered.signal for ordered in stack.services}
    for step, services in batches:
        match step:
            case Step.REPLACE:
                compose.up(services, recreate=True)
            case Step.SCALE:
                compose.up(services, recreate=False)
            case Step.RESTART:
                compose.restart(services)
            case Step.RELOAD:
                for service in services:
                    compose.send_signal(service, signals[service])
        watch(services)


def recreate(docker: Docker, root: Path, stack: StackOrder, services: Iterable[ServiceName]) -> None:
    """Replace the containers of these services, and of no other; no services are fine."""
    wanted = tuple(ServiceOrder(service=name, action=Action.RECREATE) for name in services)
    if not wanted:
        return
    compose = ComposeStack(docker, root, stack)
    model, _ = compose.read_model()
    remove_networks(docker, stack)
    for batch in find_batches(replace(stack, services=wanted), model, ()):
        compose.up(batch.services, recreate=True)


def remove_networks(docker: Docker, stack: StackOrder) -> None:
    """Remove the stack's networks that have to change: compose creates them with the containers."""
    for network in stack.networks:
        docker.remove_network(network)
