"""Whether a command is looked at, before anything is asked of GitHub: what one person may cost a fleet. Pure."""

from __future__ import annotations

from enum import StrEnum

from bot.domain.values import Value

WINDOW = 600.0  # seconds
MOST_COMMANDS = 30  # of one person, in one fleet, within the window


class Attention(StrEnum):
    """What a command gets."""

    HEARD = "heard"
    ANSWERED = "answered"  # it is one too many, and gets that answer
    IGNORED = "ignored"


class RecentCommands(Value, frozen=True):
    """What one person asked of one fleet within the window."""

    earlier: int = 0  # commands before this one
    refused: bool = False  # one of them, because this person may not use commands


def decide_attention(recent: RecentCommands) -> Attention:
    """What the next command gets. A person who may not use commands is answered once in each window."""
    if recent.refused or recent.earlier > MOST_COMMANDS:
        return Attention.IGNORED
    return Attention.HEARD if recent.earlier < MOST_COMMANDS else Attention.ANSWERED
