"""Make the outcome of an order, with what the checkout holds at its end and the kind of its failure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bot.agent.checkout import Checkout
from bot.domain.errors import BotError
from bot.protocol.ending import End
from bot.protocol.order import Order, RefusalReason
from bot.protocol.outcome import Difference, Outcome, ServiceOutcome, Step
from bot.protocol.trouble import Trouble, TroubleError
from bot.protocol.unwell import Unwell


def make_outcome(
    order: Order,
    checkout: Checkout,
    end: End,
    text: str,
    *,
    refusal: RefusalReason | None = None,
    trouble: Trouble | None = None,
    services: tuple[ServiceOutcome, ...] = (),
    differences: tuple[Difference, ...] = (),
    unwell: tuple[Unwell, ...] = (),
    steps: tuple[Step, ...] = (),
) -> Outcome:
    """How `order` ended, with the commit and pin that are checked out now."""
    position = checkout.position(order.submodule)
    return Outcome(
        end=end,
        text=text,
        order=order,
        refusal=refusal,
        trouble=trouble,
        commit=position.commit if position else None,
        pin=position.pin if position else None,
        services=services,
        differences=differences,
        unwell=unwell,
        steps=steps,
    )


@contextmanager
def failing_as(trouble: Trouble) -> Iterator[None]:
    """Raise failures inside as trouble of this kind, unless they have a kind of their own."""
    try:
        yield
    except TroubleError:
        raise
    except BotError as problem:
        raise TroubleError(trouble, str(problem)) from None
