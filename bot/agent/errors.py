"""Errors that say why an order failed."""

from __future__ import annotations

from bot.domain.errors import BotError
from bot.protocol.outcome import FailureReason


class OrderFailedError(BotError):
    """An order failed: `failure` says why, the message what happened, where, and what to do."""

    def __init__(self, failure: FailureReason, message: str) -> None:
        super().__init__(message)
        self.failure = failure


def failure_reason_of(problem: BotError, otherwise: FailureReason) -> FailureReason:
    """The reason that `problem` names, else `otherwise`."""
    return problem.failure if isinstance(problem, OrderFailedError) else otherwise
