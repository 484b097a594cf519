"""Back to what ran before, after a deploy that failed; and the proof that it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from bot.agent.apply import bring_up, observe
from bot.agent.checkout import Checkout, Position
from bot.agent.containers import Container
from bot.agent.docker import Docker
from bot.agent.health import Patience, is_well, wait_until_well
from bot.agent.preflight import changed_stacks
from bot.domain.errors import BotError
from bot.domain.names import ServiceName, short
from bot.protocol.action import Action
from bot.protocol.order import Order, StackOrder
from bot.protocol.outcome import render_unhealthy


class PutBack(NamedTuple):
    """Whether everything that was touched is as before and well, and one line about it."""

    good: bool
    text: str
    reached: bool = True  # whether there was an engine to do it on; without one the next start does it


def roll_back(
    order: Order,
    *,
    to: Position | None,
    last_good: Order | None,
    before: Sequence[Container],
    checkout: Checkout,
    docker: Docker,
    patience: Patience,
) -> PutBack:
    """Bring the checkout to `to` and every service that `order` touched back to what `before` shows.

    `last_good` tells how the stacks were brought up then. Never raises a BotError: what goes wrong is the answer.
    """
    if to is None:
        return PutBack(False, "nothing ran here before, so there is nothing to go back to")
    if not docker.wait(patience.engine):
        return PutBack(False, "not put back: the Docker Engine cannot be reached", reached=False)
    try:
        checkout.drop_half_written(order)
        checkout.move(order, to)
        if last_good is not None:
            docker = docker.with_variables(last_good.variables)
        watched = _put_all_back(order, last_good, before, checkout, docker)
        unhealthy = wait_until_well(docker, watched, patience=patience)
    except BotError as problem:
        return PutBack(False, f"not put back: {problem}")
    if unhealthy:
        return PutBack(False, f"put back to {short(to.commit)}, but {render_unhealthy(unhealthy)}")
    return PutBack(True, f"put back to {short(to.commit)}" + (", healthy" if any(watched.values()) else ""))


def _put_all_back(
    order: Order, last_good: Order | None, before: Sequence[Container], checkout: Checkout, docker: Docker
) -> dict[str, tuple[ServiceName, ...]]:
    """Per project, the services to watch. A stack whose network another one brings back is tried again after it."""
    watched: dict[str, tuple[ServiceName, ...]] = {}
    # A network that was made anew is made anew once more, and before those who are attached to it.
    waiting = sorted(changed_stacks(order), key=lambda stack: not stack.networks)
    cut_off = any(stack.networks for stack in waiting)
    while waiting:
        failed: list[StackOrder] = []
        for stack in waiting:
            try:
                watched[stack.project] = _put_back(
                    _as_it_was(stack, last_good), stack, before, checkout, docker, cut_off=cut_off
                )
            except BotError:
                failed.append(stack)
                if len(failed) == len(waiting):
                    raise
        waiting = failed
    return watched


def _as_it_was(stack: StackOrder, last_good: Order | None) -> StackOrder:
    then = last_good.stacks if last_good else ()
    return next((old for old in then if old.project == stack.project), stack)


def _put_back(
    old: StackOrder,
    new: StackOrder,
    before: Sequence[Container],
    checkout: Checkout,
    docker: Docker,
    *,
    cut_off: bool,
) -> tuple[ServiceName, ...]:
    """Undo what happened to one stack; the services that have to be well afterwards because they were before."""
    now = docker.containers([new.project])
    touched = [
        ordered.service
        for ordered in new.services
        if ordered.action is not Action.NONE
        and (
            cut_off
            or ordered.action is Action.RELOAD
            or observe(before, now, ordered.service, new.project) is not Action.NONE
        )
    ]
    then = [container for container in before if container.project == new.project]
    was_here = {container.service for container in then}
    for service in touched:
        if service not in was_here:
            docker.remove_service(new.project, service)
    returned = [service for service in touched if service in was_here]
    for container in (c for c in then if c.service in returned):
        docker.restore_tag(container)
    bring_up(docker, checkout.root, replace(old, networks=new.networks), returned)
    well = {container.service for container in then if is_well(container)}
    return tuple(service for service in returned if service in well)
