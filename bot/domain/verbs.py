"""The command verbs, and which line of a comment holds a command. Pure."""

from __future__ import annotations

from enum import StrEnum

LONGEST_LINE = 300  # characters of the first line that are looked at; a command is never longer


PREFIX = "/"


class Verb(StrEnum):
    """Every command there is."""

    PLAN = "plan"
    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    RETRY = "retry"
    LOCK = "lock"
    UNLOCK = "unlock"
    HOLD = "hold"
    RESUME = "resume"
    STATUS = "status"
    HELP = "help"


def first_line(body: str) -> str:
    """The one line of a comment that may hold a command."""
    return body.partition("\n")[0].rstrip()
