"""Roll back after a deploy that failed: bring up what ran before, and wait until it is healthy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from bot.agent.apply import let_go, recreate
from bot.agent.checkout import Checkout, CheckoutPosition
from bot.agent.handover import claims_of_containers, name_for_now
from bot.agent.health import HealthTimeouts, wait_until_healthy
from bot.agent.orders import changed_stacks, find_actual_action, services_with, watch_seconds
from bot.agent.preflight import find_unset
from bot.agent.verdicts import is_healthy
from bot.domain.errors import BotError
from bot.domain.names import ServiceName, short
from bot.engine.containers import Container, Holding
from bot.engine.docker import Docker
from bot.protocol.action import Action
from bot.protocol.order import Order, StackOrder
from bot.protocol.outcome import render_unhealthy


class RollbackResult(NamedTuple):
    """Whether everything that was touched is as before and healthy, and one line about it."""

    good: bool
    text: str
    reached: bool = True  # False: no engine, or a variable has no value here, so the next start tries again


def roll_back(
    order: Order,
    *,
    to: CheckoutPosition | None,
    last_good: Order | None,
    before: Sequence[Container],
    checkout: Checkout,
    docker: Docker,
    timeouts: HealthTimeouts,
    holdings: Mapping[str, Holding] | None = None,
    is_recovery: bool = False,
) -> RollbackResult:
    """Move the checkout to `to`, and every service that `order` touched back to what `before` shows.

    `last_good` is the order that brought the stacks up then; `holdings` are the names and addresses of `before`,
    where they are known. A recovery recreates nothing while a variable has no value, such as at boot. Never
    raises a BotError: failures are in the result.
    """
    if to is None:
        return RollbackResult(False, "nothing ran here before, so there is nothing to go back to")
    if not docker.wait_until_reachable(timeouts.engine):
        return RollbackResult(False, "not put back: the Docker Engine cannot be reached", reached=False)
    try:
        checkout.remove_partial_files(order)
        checkout.move(order, to)
        if last_good is not None:
            docker = docker.with_variables(last_good.variables)
        existed = {container.project for container in before}
        back = (_as_it_was(stack, last_good) for stack in changed_stacks(order) if stack.project in existed)
        if is_recovery and (unset := find_unset(back, checkout.root, docker)):
            text = f"not put back yet: variables without a value here: {', '.join(unset)}; a job with them does it"
            return RollbackResult(False, text, reached=False)
        known = {container.id for container in before}
        made = (c for c in docker.containers(stack.project for stack in order.stacks) if c.id not in known)
        let_go(docker, claims_of_containers(before, holdings or {}), made)
        watched = _roll_back_all(order, last_good, before, checkout, docker)
        unhealthy = wait_until_healthy(docker, watched, watch=watch_seconds(order), timeouts=timeouts)
    except BotError as problem:
        return RollbackResult(False, f"not put back: {problem}")
    if unhealthy:
        return RollbackResult(False, f"put back to {short(to.commit)}, but {render_unhealthy(unhealthy)}")
    return RollbackResult(True, f"put back to {short(to.commit)}" + (", healthy" if any(watched.values()) else ""))


def _roll_back_all(
    order: Order, last_good: Order | None, before: Sequence[Container], checkout: Checkout, docker: Docker
) -> dict[str, tuple[ServiceName, ...]]:
    """By project, the services to watch. A stack that needs the network of another one is tried again after it."""
    watched: dict[str, tuple[ServiceName, ...]] = {}
    # A network that the order recreated is recreated again, and before what is attached to it.
    waiting = sorted(changed_stacks(order), key=lambda stack: not stack.networks)
    cut_off = any(stack.networks for stack in waiting)
    while waiting:
        failed: list[StackOrder] = []
        for stack in waiting:
            try:
                watched[stack.project] = _roll_back_stack(
                    _as_it_was(stack, last_good), stack, before, checkout, docker, cut_off=cut_off
                )
            except BotError:
                failed.append(stack)
                if len(failed) == len(waiting):
                    raise
        waiting = failed
    return watched


def _as_it_was(stack: StackOrder, last_good: Order | None) -> StackOrder:
    stacks = last_good.stacks if last_good else ()
    return next((old for old in stacks if old.project == stack.project), stack)


def _roll_back_stack(
    old: StackOrder,
    new: StackOrder,
    before: Sequence[Container],
    checkout: Checkout,
    docker: Docker,
    *,
    cut_off: bool,
) -> tuple[ServiceName, ...]:
    """Undo what happened to one stack; the services that must be healthy afterwards, because they were before."""
    now = docker.containers([new.project])
    gone = _find_who_let_go(before, now, docker)
    touched = [
        ordered.service
        for ordered in new.services
        if ordered.action is not Action.NONE
        and (
            cut_off
            or ordered.action is Action.RELOAD
            or find_actual_action(before, now, ordered.service, new.project) is not Action.NONE
            or any(c.id in gone for c in now if c.service == ordered.service)
        )
    ]
    then = [container for container in before if container.project == new.project]
    existed = {container.service for container in then}
    for service in touched:
        if service not in existed:
            docker.remove_service(new.project, service)
    returned = [service for service in touched if service in existed]
    built = services_with(new, Action.REBUILD)
    for container in (c for c in then if c.service in returned or c.service in built):
        docker.restore_tag(container)
    recreate(docker, checkout.root, replace(old, networks=new.networks), returned)
    healthy = {container.service for container in then if is_healthy(container)}
    return tuple(service for service in returned if service in healthy)


def _find_who_let_go(before: Sequence[Container], now: Sequence[Container], docker: Docker) -> frozenset[str]:
    """The ids of containers that were stopped or renamed to make room for another one."""
    then = {container.id: container.status for container in before}
    kept = [container for container in now if container.id in then]
    holdings = docker.holdings(kept)
    suffix = {container.id: name_for_now(container, "") for container in kept}
    return frozenset(
        c.id for c in kept if c.status != then[c.id] or holdings.get(c.id, Holding()).name.endswith(suffix[c.id])
    )
