"""Why a delivery leads to no job. Pure."""

from __future__ import annotations

from enum import StrEnum

from bot.domain.values import Value


class IgnoredReason(StrEnum):
    """Why a delivery leads to no job. Stored with the delivery, shown by `inbox list`, a label of the metrics."""

    UNKNOWN_EVENT = "unknown_event"  # an event or action the bot does not use
    NOT_A_BRANCH = "not_a_branch"  # a push to a tag or another ref
    NO_INSTALLATION = "no_installation"  # not delivered through an installation of the App
    UNREADABLE = "unreadable"  # valid JSON, but not the shape GitHub documents
    NOT_A_COMMAND = "not_a_command"  # a comment whose first line cannot be one, or beside a pull request
    NOT_A_PERSON = "not_a_person"  # a bot's comment, ours included, or one that an App wrote for somebody
    EDITED = "edited"  # an edited or deleted comment never counts
    NO_FLEET_CONCERNED = "no_fleet_concerned"  # an event of a repository that no fleet pins, and that is none


class Ignored(Value, frozen=True, tag="ignored"):
    """A delivery that is no event of ours. `detail` is hostile text, at most 200 characters."""

    reason: IgnoredReason
    detail: str = ""
