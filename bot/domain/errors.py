"""Expected errors, and the exit code that each kind ends a command with.

An expected error prints one short message: what happened, where, what to do. Everything else is a bug and prints its
traceback. The exit codes are part of the command line's contract (docs/reference).
"""

from __future__ import annotations

import errno
from enum import IntEnum
from pathlib import PurePath


class ExitCode(IntEnum):
    """A command's exit code, with its `meaning` for the reference page."""

    meaning: str

    def __new__(cls, number: int, meaning: str) -> ExitCode:
        code = int.__new__(cls, number)
        code._value_, code.meaning = number, meaning
        return code

    OK = 0, "done"
    FAILED = 1, "an expected error: the message says what to do"
    USAGE = 2, "the command line is wrong"  # click's own code
    BUG = 3, "an unexpected error: please report it, with the traceback"
    REFUSED = 4, "an order, a permission or a check refused it; nothing was changed"
    SETTINGS = 5, "a setting is missing or unusable; trying again does not help"
    UNAVAILABLE = (
        6,
        "GitHub, the service, the database, or the address to listen on, is not available; try again later",
    )
    MISSING = 7, "a part of aios-bot, or a program that this command needs, is not installed"
    NOT_WRITABLE = 8, "a file or folder cannot be read or written by this user"
    IN_USE = 9, "another service works with the same data folder"
    KEY_REFUSED = 10, "GitHub does not accept the App's key"
    NO_DATA = 11, "there is no database, key or node here: most likely the wrong folder"
    INTERRUPTED = 130, "interrupted, such as by Ctrl-C"


class BotError(Exception):
    """An expected error. `str(error)` is written for the person who reads it."""

    exit_code = ExitCode.FAILED
    cure = ""
    """What a person at a keyboard can do, where the message itself names no cure: the service tries again."""


class SettingsError(BotError):
    """The environment lacks a setting or has an unusable one."""

    exit_code = ExitCode.SETTINGS


class ProgramMissingError(BotError):
    """A program is not installed, or none that is new enough; the message says what to install."""

    exit_code = ExitCode.MISSING


class AccessError(BotError):
    """A file or folder cannot be read or written ("made", "written"): the system's reason, and what to do."""

    exit_code = ExitCode.NOT_WRITABLE

    def __init__(self, place: PurePath | str, done: str, problem: OSError) -> None:
        cure = _CURES.get(problem.errno or 0, "choose another path")
        super().__init__(f"{place} cannot be {done}: {problem.strerror or problem}; {cure}")


_CURES = {
    errno.EACCES: "run this as its owner, or choose another path",
    errno.EPERM: "run this as its owner, or choose another path",
    errno.ENOSPC: "make room there",
    errno.EDQUOT: "make room there",
    errno.ENAMETOOLONG: "choose a shorter path",
}


class NoDataError(BotError):
    """A command found no database, key or node in the folder that was given."""

    exit_code = ExitCode.NO_DATA


class RetryLater(BotError):  # noqa: N818 - it is a request to the queue, not a failure
    """The outside world asked us to wait; the queue runs the work again after `seconds`."""

    def __init__(self, message: str, *, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds
