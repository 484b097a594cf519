"""Back to what ran before, after a deploy that failed; and the proof that it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bot.errors import BotError
from bot.names import ServiceName, short
from bot.node.apply import bring_up, observe
from bot.node.checkout import Checkout, Position
from bot.node.docker import Container, Docker
from bot.node.health import Patience, is_well, wait_until_well
from bot.node.order import Order, StackOrder
from bot.node.outcome import render_unwell
from bot.node.preflight import changed_stacks
from bot.plan.model import Action


class PutBack(NamedTuple):
    """Whether everything that was touched is as before and well, and one line about it."""

    good: bool
    text: str


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
    try:
        if checkout.position(order.submodule) != to:
            checkout.move(order, to)
        watched = {
            stack.project: _put_back(_as_it_was(stack, last_good), stack, before, checkout, docker)
            for stack in changed_stacks(order)
        }
        unwell = wait_until_well(docker, watched, patience=patience)
    except BotError as problem:
        return PutBack(False, f"not put back: {problem}")
    if unwell:
        return PutBack(False, f"put back to {short(to.commit)}, but {render_unwell(unwell)}")
    return PutBack(True, f"put back to {short(to.commit)}" + (", healthy" if any(watched.values()) else ""))


def _as_it_was(stack: StackOrder, last_good: Order | None) -> StackOrder:
    then = last_good.stacks if last_good else ()
    return next((old for old in then if old.project == stack.project), stack)


def _put_back(
    old: StackOrder, new: StackOrder, before: Sequence[Container], checkout: Checkout, docker: Docker
) -> tuple[ServiceName, ...]:
    """Undo what happened to one stack; the services that have to be well afterwards because they were before."""
    now = docker.containers([new.project])
    touched = [
        ordered.service
        for ordered in new.services
        if ordered.action is not Action.NONE
        and (ordered.action is Action.RELOAD or observe(before, now, ordered.service, new.project) is not Action.NONE)
    ]
    was_here = {c.service for c in before if c.project == new.project}
    for service in touched:
        if service not in was_here:
            docker.remove_service(new.project, service)
    returned = [service for service in touched if service in was_here]
    bring_up(docker, checkout.root, old, returned)
    well = {c.service for c in before if c.project == new.project and is_well(c)}
    return tuple(service for service in returned if service in well)
