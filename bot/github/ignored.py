"""Why a delivery leads to no work. Pure."""

from __future__ import annotations

from enum import StrEnum

from bot.domain.values import Value


class IgnoredReason(StrEnum):
    """Why a delivery leads to no work. Stored with the delivery, shown by `inbox list`."""

    UNKNOWN_EVENT = "unknown_event"  # an event or action the bot does not use
    NOT_A_BRANCH = "not_a_branch"  # a push to a tag or another ref
    NO_INSTALLATION = "no_installation"  # not delivered through an installation of the App
    UNREADABLE = "unreadable"  # valid JSON, but not the shape GitHub documents
    NOBODY_PINS_IT = "nobody_pins_it"  # a push to a repository that no fleet pins
    NOT_A_COMMAND = "not_a_command"  # a comment whose first line cannot be one, or beside a pull request
    NOT_A_PERSON = "not_a_person"  # a bot's comment, ours included, or one that an App wrote for somebody
    EDITED = "edited"  # an edited or deleted comment never counts


class Ignored(Value, frozen=True, tag="ignored"):
    """Nothing to do, and why."""

    reason: IgnoredReason
    detail: str = ""
