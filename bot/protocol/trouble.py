"""What can go wrong with an order that a node may carry out: a closed list, each with its word for reports."""

from __future__ import annotations

from enum import StrEnum

from bot.domain.errors import BotError


class Trouble(StrEnum):
    """Why an order did not end in success. What a node may not do at all is a RefusalReason."""

    ENGINE = "engine"  # it cannot be reached, or it or compose is too old
    RECORD = "record"  # the node's own folder cannot be written
    FETCH = "fetch"  # the commit could not be brought here
    DISK = "disk"  # too little space is left
    STACK = "stack"  # compose cannot read a stack, or it has no such service
    VARIABLE = "variable"  # a variable has no value
    IMAGE = "image"  # an image can be had from nowhere
    NETWORK = "network"  # an external network is gone, and its owner is not to be touched
    PORT = "port"  # a port is held by somebody else
    HOOK = "hook"  # a command of the fleet file failed
    CHECKOUT = "checkout"  # the files could not be brought to the commit
    APPLY = "apply"  # compose or the engine refused a change
    UNHEALTHY = "unhealthy"  # what was brought up is not well
    INTERRUPTED = "interrupted"  # the node lost its power, or its process, in the middle


class TroubleError(BotError):
    """Something went wrong; `trouble` says in which way, the message what and where, and what to do."""

    def __init__(self, trouble: Trouble, message: str) -> None:
        super().__init__(message)
        self.trouble = trouble


def trouble_of(problem: BotError, otherwise: Trouble) -> Trouble:
    """What `problem` says of itself, else `otherwise`."""
    return problem.trouble if isinstance(problem, TroubleError) else otherwise
