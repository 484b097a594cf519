"""When it is quiet, and which topics are told all the same."""

from __future__ import annotations

import pytest

from bot.domain.notices import NoticeSeverity, Topic, is_quiet

MIDNIGHT = 86_400 * 20_000


def at(clock: str) -> int:
    hours, minutes, seconds = (int(part) for part in clock.split(":"))
    return MIDNIGHT + hours * 3600 + minutes * 60 + seconds


@pytest.mark.parametrize(
    ("hours", "clock", "quiet"),
    [
        ("22:00-07:30", "21:59:59", False),
        ("22:00-07:30", "22:00:00", True),
        ("22:00-07:30", "23:59:59", True),
        ("22:00-07:30", "00:00:00", True),
        ("22:00-07:30", "07:29:59", True),
        ("22:00-07:30", "07:30:00", False),
        ("12:15-13:00", "12:14:59", False),
        ("12:15-13:00", "12:15:00", True),
        ("12:15-13:00", "12:59:59", True),
        ("12:15-13:00", "13:00:00", False),
        ("12:00-12:00", "12:00:00", False),
        ("", "00:00:00", False),
    ],
)
def test_hours_are_of_the_day_in_utc_and_may_pass_midnight(hours: str, clock: str, quiet: bool) -> None:
    assert is_quiet(hours, at(clock)) is quiet


def test_only_a_failed_deploy_and_a_bot_that_cannot_work_are_urgent() -> None:
    by_severity = {one: {topic.value for topic in Topic if topic.severity is one} for one in NoticeSeverity}
    assert by_severity == {
        NoticeSeverity.URGENT: {"deploy_failed", "bot_unable"},
        NoticeSeverity.WARNING: {"not_deployed", "plan_differs", "node_offline", "drift"},
        NoticeSeverity.INFO: {"approval_waits"},
    }
    assert Topic.DRIFT.words == "a node has drifted"
