"""The command verbs, and which line of a comment holds a command. Pure."""

from __future__ import annotations

from enum import StrEnum

LONGEST_LINE = 300  # characters of the first line that are looked at; a command is never longer
PREFIX = "/"  # of commands, unless the fleet file sets a word, such as "/aios"


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


def spell_lead(prefix: str) -> str:
    """What stands before a command's verb in a fleet with this prefix: "/", or "/aios "."""
    return prefix if prefix == PREFIX else f"{prefix} "


def spell_verb(verb: Verb, *words: str, prefix: str = PREFIX) -> str:
    """A command as a person writes it in this fleet: `/deploy HP_LAB`, or `/aios deploy HP_LAB`."""
    return " ".join((f"{spell_lead(prefix)}{verb}", *words))
