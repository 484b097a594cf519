"""Put what an order changes in one stack into the order in which the node does it: who is needed comes first. Pure.

Services follow each other in batches, each of one compose command, so that a dependency is never restarted under a
dependent that was recreated before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from bot.domain.names import ServiceName
from bot.plan.stack_needs import named_services, needed_services
from bot.protocol.action import Action
from bot.protocol.order import StackOrder


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


def find_batches(stack: StackOrder, model: Mapping[str, Any], present: Iterable[str]) -> tuple[Batch, ...]:
    """The batches of one stack; `present` are its services that have a container.

    A service stands in a batch behind those that it needs. Where there is a choice, a batch takes all that it can.
    """
    steps = _steps(stack, frozenset(present))
    services = model.get("services", {})
    named = named_services(stack.project, services, steps)
    needs = {one: {*needed_services(services.get(one, {})), *named[one]} - {one} for one in steps}
    # Compose never follows the name of a container, and `restart` no `depends_on` without `restart: true`: what is
    # written there by hand hides the one that compose adds for a shared namespace.
    apart = {one: needs[one] if step is Step.RESTART else named[one] for one, step in steps.items()}
    batches: list[Batch] = []
    waiting = dict(steps)
    while waiting:
        ready = [name for name in waiting if not needs[name] & set(waiting)] or list(waiting)
        step = next((step for step in Step if any(waiting[name] is step for name in ready)), Step.REPLACE)
        batch: list[ServiceName] = []
        # Compose itself keeps the order inside of one command, as far as it knows it.
        while more := [
            name
            for name in waiting
            if waiting[name] is step
            and name not in batch
            and not (needs[name] & set(waiting)) - set(batch)
            and not apart[name] & set(batch)
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
