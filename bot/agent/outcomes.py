"""Make the outcome of an order, with what the checkout holds at its end and the kind of its failure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bot.agent.checkout import Checkout
from bot.agent.errors import OrderFailedError
from bot.domain.errors import BotError
from bot.git.git import GitError
from bot.protocol.order import Order, RefusalReason
from bot.protocol.outcome import (
    Difference,
    FailureReason,
    OrderEnd,
    OrderStep,
    Outcome,
    ServiceOutcome,
    UnhealthyService,
)


def make_outcome(
    order: Order,
    checkout: Checkout,
    end: OrderEnd,
    text: str,
    *,
    refusal: RefusalReason | None = None,
    failure: FailureReason | None = None,
    services: tuple[ServiceOutcome, ...] = (),
    differences: tuple[Difference, ...] = (),
    unhealthy: tuple[UnhealthyService, ...] = (),
    steps: tuple[OrderStep, ...] = (),
) -> Outcome:
    """How `order` ended, with the commit and pin that are checked out now."""
    try:
        position = checkout.position(order.submodule)
    except GitError:  # no repository can be read there, and `text` says so
        position = None
    return Outcome(
        end=end,
        text=text,
        order=order,
        refusal=refusal,
        failure=failure,
        commit=position.commit if position else None,
        pin=position.pin if position else None,
        services=services,
        differences=differences,
        unhealthy=unhealthy,
        steps=steps,
    )


@contextmanager
def failing_as(failure: FailureReason) -> Iterator[None]:
    """Raise failures inside as failures of this kind, unless they have a kind of their own."""
    try:
        yield
    except OrderFailedError:
        raise
    except BotError as problem:
        raise OrderFailedError(failure, str(problem)) from None
