"""Errors a person can act on, and the exit code each kind ends a command with.

An expected error prints one short message: what happened, where, what to do. Everything else is a bug and
prints in full. The exit codes are part of the command line's contract (docs/reference).
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's exit code means."""

    OK = 0
    FAILED = 1  # expected: the message says what to do
    USAGE = 2  # the command line itself was wrong (click's own code)
    BUG = 3  # unexpected: please report, with the traceback
    REFUSED = 4  # an order, a permission or a check said no; nothing was touched
    SETTINGS = 5  # the environment lacks a setting or has an unusable one; trying again does not help
    UNAVAILABLE = 6  # the database, or the address to listen on, cannot be used now; trying again may help


class BotError(Exception):
    """An expected error. `str(error)` is written for the person who reads it."""

    exit_code = ExitCode.FAILED


class SettingsError(BotError):
    """The environment lacks a setting or has an unusable one."""

    exit_code = ExitCode.SETTINGS


class RetryLater(BotError):  # noqa: N818 - it is a request to the queue, not a failure
    """The outside world asked us to wait; the queue runs the work again after `seconds`."""

    def __init__(self, message: str, *, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds
