"""Find how a node differs from what its orders deployed on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bot.agent.checkout import CheckoutPosition
from bot.agent.state import DeployedService
from bot.agent.verdicts import is_healthy
from bot.domain.names import ServiceName, short
from bot.engine.containers import Container
from bot.engine.docker import ContainersSeen
from bot.protocol.action import Action
from bot.protocol.order import Order, OrderKind, StackOrder
from bot.protocol.outcome import Difference, DifferenceKind

MAX_FILES = 20  # that are named

DeployedServices = Mapping[tuple[str, ServiceName], DeployedService]
"""Each service as the orders deployed it, by project and name."""


def find_differences(
    order: Order,
    seen: ContainersSeen,
    *,
    deployed: DeployedServices,
    position: CheckoutPosition | None,
    edited: Sequence[str],
) -> tuple[Difference, ...]:
    """Everything in which the node differs from its last good order, or from the commit at which the plan starts.

    `edited` are the tracked files that were changed by hand. Services that the order creates are not expected yet.
    Pure.
    """
    found = list(_of_checkout(order, position, edited))
    projects = {project for project, _ in deployed}
    by_service: dict[tuple[str, ServiceName], list[Container]] = {}
    for container in seen.containers:
        by_service.setdefault((container.project, container.service), []).append(container)
    for stack in order.stacks:
        known = {ordered.service for ordered in stack.services}
        for ordered in stack.services:
            key = (stack.project, ordered.service)
            # A service that the stack's last order left without a container is scaled to nothing.
            if ordered.action is not Action.CREATE and (key in deployed or stack.project not in projects):
                found += _of_service(stack, ordered.service, by_service.get(key, []), deployed.get(key), seen.images)
        for project, service in by_service:
            if project == stack.project and service not in known:
                found.append(_of(stack, service, DifferenceKind.EXTRA, "runs, and no stack or profile has it"))
    return tuple(found)


def _of_checkout(order: Order, position: CheckoutPosition | None, edited: Sequence[str]) -> Iterable[Difference]:
    start = CheckoutPosition(order.start.commit, order.start.pin) if order.start else None
    wanted = CheckoutPosition(order.commit, order.pin) if order.kind is OrderKind.DRIFT else start
    if wanted is not None and position != wanted:
        at = f"{short(position.commit)} with {short(position.pin or 'nothing')}" if position else "nothing"
        text = f"the checkout is at {at}, and not at {short(wanted.commit)} with {short(wanted.pin or '')}"
        yield Difference(kind=DifferenceKind.MOVED, text=text)
    for name in edited[:MAX_FILES]:
        yield Difference(kind=DifferenceKind.EDITED, text=f"{name} was changed by hand")
    if len(edited) > MAX_FILES:
        yield Difference(kind=DifferenceKind.EDITED, text=f"and {len(edited) - MAX_FILES} more files")


def _of_service(
    stack: StackOrder,
    service: ServiceName,
    own: Sequence[Container],
    deployed: DeployedService | None,
    images: Mapping[str, str],
) -> Iterable[Difference]:
    if not own:
        yield _of(stack, service, DifferenceKind.MISSING, "has no container")
    for container in own:
        ended = container.status in ("created", "exited", "dead")
        if ended and (not is_healthy(container) or (deployed is not None and deployed.runs)):
            yield _of(stack, service, DifferenceKind.MISSING, f"has a container that is {container.status}")
            continue
        if deployed is not None and container.config != deployed.config:
            yield _of(
                stack, service, DifferenceKind.CHANGED, "has another configuration than the last order deployed"
            )
        elif deployed is not None and container.image != deployed.image:
            yield _of(
                stack,
                service,
                DifferenceKind.CHANGED,
                f"runs another {container.image_name} than the last order deployed",
            )
        if images.get(container.image_name, "") not in ("", container.image):
            text = f"runs an image that was tagged {container.image_name}; the tag is on another one now"
            yield _of(stack, service, DifferenceKind.IMAGE_MOVED, text)
        if not is_healthy(container):
            yield _of(stack, service, DifferenceKind.UNHEALTHY, f"is {container.health or container.status}")


def _of(stack: StackOrder, service: ServiceName, kind: DifferenceKind, text: str) -> Difference:
    return Difference(kind=kind, text=text, stack=stack.stack, service=service)
