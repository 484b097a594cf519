"""How a node differs from what its orders left on it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bot.agent.checkout import Position
from bot.agent.containers import Container
from bot.agent.health import is_well
from bot.agent.state import Left
from bot.domain.names import ServiceName, short
from bot.protocol.action import Action
from bot.protocol.order import Order, OrderKind, StackOrder
from bot.protocol.outcome import Difference, DifferenceKind

MOST_FILES = 20  # that are named

Lefts = Mapping[tuple[str, ServiceName], Left]
"""How the orders left each service, by project and name."""


def find_differences(
    order: Order,
    *,
    containers: Iterable[Container],
    left: Lefts,
    images: Mapping[str, str],
    position: Position | None,
    edited: Sequence[str],
) -> tuple[Difference, ...]:
    """Everything in which the node is not as its last good order, or the plan's start, has it.

    `images` gives the id that an image's name has now; `edited` are tracked files that a
    person changed. Services that the order creates are not expected yet.
    """
    found = list(_of_checkout(order, position, edited))
    projects = {project for project, _ in left}
    by_service: dict[tuple[str, ServiceName], list[Container]] = {}
    for container in containers:
        by_service.setdefault((container.project, container.service), []).append(container)
    for stack in order.stacks:
        known = {ordered.service for ordered in stack.services}
        for ordered in stack.services:
            key = (stack.project, ordered.service)
            # What the last order of this stack left without a container is scaled to nothing.
            if ordered.action is not Action.CREATE and (key in left or stack.project not in projects):
                found += _of_service(stack, ordered.service, by_service.get(key, []), left.get(key), images)
        for project, service in by_service:
            if project == stack.project and service not in known:
                found.append(_of(stack, service, DifferenceKind.EXTRA, "runs, and no stack defines it"))
    return tuple(found)


def _of_checkout(order: Order, position: Position | None, edited: Sequence[str]) -> Iterable[Difference]:
    start = Position(order.start.commit, order.start.pin) if order.start else None
    wanted = Position(order.commit, order.pin) if order.kind is OrderKind.DRIFT else start
    if wanted is not None and position != wanted:
        at = f"{short(position.commit)} with {short(position.pin or 'nothing')}" if position else "nothing"
        text = f"the checkout is at {at}, and not at {short(wanted.commit)} with {short(wanted.pin or '')}"
        yield Difference(kind=DifferenceKind.MOVED, text=text)
    for name in edited[:MOST_FILES]:
        yield Difference(kind=DifferenceKind.EDITED, text=f"{name} was changed by hand")
    if len(edited) > MOST_FILES:
        yield Difference(kind=DifferenceKind.EDITED, text=f"and {len(edited) - MOST_FILES} more files")


def _of_service(
    stack: StackOrder,
    service: ServiceName,
    own: Sequence[Container],
    left: Left | None,
    images: Mapping[str, str],
) -> Iterable[Difference]:
    if not own:
        yield _of(stack, service, DifferenceKind.MISSING, "has no container")
    for container in own:
        ended = container.status in ("created", "exited", "dead")
        if ended and (not is_well(container) or (left is not None and left.runs)):
            yield _of(stack, service, DifferenceKind.MISSING, f"has a container that is {container.status}")
            continue
        if left is not None and container.config != left.config:
            yield _of(stack, service, DifferenceKind.CHANGED, "is configured otherwise than the last order left it")
        elif left is not None and container.image != left.image:
            yield _of(stack, service, DifferenceKind.CHANGED, f"runs another {container.image_name} than it was left")
        if images.get(container.image_name, "") not in ("", container.image):
            text = f"runs an image that was {container.image_name} once; the name means another one now"
            yield _of(stack, service, DifferenceKind.IMAGE_MOVED, text)
        if not is_well(container):
            yield _of(stack, service, DifferenceKind.UNHEALTHY, f"is {container.health or container.status}")


def _of(stack: StackOrder, service: ServiceName, kind: DifferenceKind, text: str) -> Difference:
    return Difference(kind=kind, text=text, stack=stack.stack, service=service)
