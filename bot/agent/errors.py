"""Errors of the node's own folder, and errors that say why an order failed."""

from __future__ import annotations

from bot.domain.errors import AccessError, BotError, NoDataError
from bot.protocol.outcome import FailureReason


class StateError(BotError):
    """The node's own folder is missing something, or cannot be used."""


class NoNodeError(NoDataError, StateError):
    """The folder holds no node."""


class StateAccessError(AccessError, StateError):
    """The folder cannot be read or written."""


class OrderFailedError(BotError):
    """An order failed: `failure` says why, the message what happened, where, and what to do."""

    def __init__(self, failure: FailureReason, message: str) -> None:
        super().__init__(message)
        self.failure = failure


def failure_reason_of(problem: BotError, otherwise: FailureReason) -> FailureReason:
    """The reason that `problem` names, else `otherwise`."""
    return problem.failure if isinstance(problem, OrderFailedError) else otherwise
