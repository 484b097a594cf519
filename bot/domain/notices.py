"""What people are notified of, and how grave each kind is. Pure."""

from __future__ import annotations

from enum import StrEnum

_DAY = 86_400


class NoticeSeverity(StrEnum):
    """How soon somebody should look."""

    URGENT = "urgent"  # also in quiet hours
    WARNING = "warning"
    INFO = "info"


class Topic(StrEnum):
    """What a notice is about, with its `severity` and its `words` for people."""

    severity: NoticeSeverity
    words: str

    def __new__(cls, code: str, severity: NoticeSeverity, words: str) -> Topic:
        topic = str.__new__(cls, code)
        topic._value_, topic.severity, topic.words = code, severity, words
        return topic

    DEPLOY_FAILED = "deploy_failed", NoticeSeverity.URGENT, "a deploy failed"
    BOT_UNABLE = "bot_unable", NoticeSeverity.URGENT, "the bot is not working"
    NOT_DEPLOYED = "not_deployed", NoticeSeverity.WARNING, "merged but not deployed"
    PLAN_DIFFERS = "plan_differs", NoticeSeverity.WARNING, "not deployed: the plan differs from the approved one"
    NODE_OFFLINE = "node_offline", NoticeSeverity.WARNING, "a node is offline"
    DRIFT = "drift", NoticeSeverity.WARNING, "a node has drifted"
    APPROVAL_WAITS = "approval_waits", NoticeSeverity.INFO, "a pull request is waiting for someone"


def is_quiet(hours: str, now: int) -> bool:
    """Whether `now` (seconds since the epoch) is within `hours`, such as `22:00-07:00` in UTC; "" is never."""
    if not hours:
        return False
    begin, end = (_seconds(part) for part in hours.split("-"))
    at = now % _DAY
    return begin <= at < end if begin <= end else at >= begin or at < end


def _seconds(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60
