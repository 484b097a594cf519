"""What an order asks of each stack, adjusted to what runs on the node, and what came of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from bot.agent.verdicts import Kinds, ServiceKind
from bot.domain.names import ServiceName, StackName
from bot.engine.containers import Container
from bot.protocol.action import Action
from bot.protocol.order import HookTime, Order, OrderKind, ServiceOrder, StackOrder
from bot.protocol.outcome import Difference, DifferenceKind, ServiceOutcome

_NEED_CONTAINER = (Action.NONE, Action.RELOAD, Action.RESTART, Action.RECREATE)
_BY_HAND = (DifferenceKind.MISSING, DifferenceKind.CHANGED)
_BROKEN = (DifferenceKind.MISSING, DifferenceKind.CHANGED, DifferenceKind.UNHEALTHY)


def changed_stacks(order: Order) -> tuple[StackOrder, ...]:
    """The stacks in which the order touches something."""
    return tuple(filter(is_changed, order.stacks))


def is_changed(stack: StackOrder) -> bool:
    """Whether something of the stack is touched."""
    return any(service.action is not Action.NONE for service in stack.services)


def services_with(stack: StackOrder, *actions: Action) -> tuple[ServiceName, ...]:
    """The stack's services for which one of `actions` is ordered."""
    return tuple(service.service for service in stack.services if service.action in actions)


def depends_on_builds(stack: StackOrder) -> bool:
    """Whether images are built for the stack, or what a service does depends on one that another stack builds."""
    return any(one.action in (Action.CREATE, Action.REBUILD) or one.if_same is not None for one in stack.services)


def is_removal(stack: StackOrder) -> bool:
    """Whether the whole stack is removed."""
    return bool(stack.services) and all(
        service.action is Action.REMOVE and not service.remaining for service in stack.services
    )


def stacks_behind_hooks(order: Order) -> frozenset[StackName]:
    """Changed stacks before which a hook runs: what they need may exist only after it."""
    before = {hook.stack for hook in order.hooks if hook.when is HookTime.BEFORE}
    return frozenset(s.stack for s in changed_stacks(order) if before & {s.stack, None})


def services_to_watch(order: Order, project: str, kinds: Kinds) -> tuple[ServiceName, ...]:
    """The services that were touched and must be healthy now; some have no container by their kind."""
    stack = next(stack for stack in order.stacks if stack.project == project)
    touched = services_with(stack, Action.CREATE, Action.RECREATE, Action.REBUILD, Action.RESTART, Action.RELOAD)
    without_container = (ServiceKind.PROVIDED, ServiceKind.SCALED_AWAY)
    return tuple(name for name in touched if kinds.get((project, name)) not in without_container)


def watch_seconds(order: Order) -> dict[str, float]:
    """By project, how long a stack is watched, where the order says so."""
    return {stack.project: float(stack.watch) for stack in order.stacks if stack.watch is not None}


def adjust_order(
    order: Order,
    *,
    containers: Iterable[Container],
    differences: Iterable[Difference],
    is_first: bool,
    after_failure: bool,
) -> Order:
    """`order` for the node as it is: more is created or recreated where the plan could not know better.

    On the first order of a node (`is_first`) every service that the plan takes to be running, and that has no
    container, is created: such an order starts from the pin before the merge, which a node that was kept by hand
    runs already, and a new one does not. After an order that failed for good (`after_failure`) every service that
    it left broken is recreated, although the plan has nothing to do there; by an order to restore every one that was
    removed or changed by hand.
    """
    if is_first:
        present = {(container.project, container.service) for container in containers}
        return _replace_actions(
            order,
            Action.CREATE,
            lambda stack, one: one.action in _NEED_CONTAINER and (stack.project, one.service) not in present,
        )
    kinds = _BROKEN if after_failure else _BY_HAND if order.kind is OrderKind.RESTORE else ()
    broken = {(one.stack, one.service) for one in differences if one.kind in kinds}
    return _replace_actions(
        order,
        Action.RECREATE,
        lambda stack, one: one.action is Action.NONE and (stack.stack, one.service) in broken,
    )


def as_planned(planned: Order, done: Order) -> Order:
    """`planned`, with what a build decided in place of a rebuild whose image came out the same in `done`."""
    decided = {(stack.project, one.service): one.action for stack in done.stacks for one in stack.services}

    def settled(stack: StackOrder) -> StackOrder:
        services = (
            replace(one, action=one.if_same)
            if one.if_same is not None and decided.get((stack.project, one.service)) is one.if_same
            else one
            for one in stack.services
        )
        return replace(stack, services=tuple(services))

    return replace(planned, stacks=tuple(settled(stack) for stack in planned.stacks))


def _replace_actions(order: Order, action: Action, applies: Callable[[StackOrder, ServiceOrder], bool]) -> Order:
    def adjusted(stack: StackOrder) -> StackOrder:
        services = (replace(one, action=action) if applies(stack, one) else one for one in stack.services)
        return replace(stack, services=tuple(services))

    return replace(order, stacks=tuple(adjusted(stack) for stack in order.stacks))


def find_actual_action(
    before: Iterable[Container], after: Iterable[Container], service: ServiceName, project: str
) -> Action:
    """What really happened to a service, by its project's containers before and after.

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


def compare_services(
    order: Order, before: Iterable[Container], after: Iterable[Container], kinds: Kinds
) -> tuple[ServiceOutcome, ...]:
    """For each service of the order, what was planned and what really happened.

    What a provider did leaves no trace that could be compared: compose said that it was done.
    """
    before, after = tuple(before), tuple(after)
    return tuple(
        ServiceOutcome(
            stack=stack.stack,
            service=ordered.service,
            predicted=ordered.action,
            actual=ordered.action
            if kinds.get((stack.project, ordered.service)) is ServiceKind.PROVIDED
            else find_actual_action(before, after, ordered.service, stack.project),
        )
        for stack in order.stacks
        for ordered in stack.services
    )
