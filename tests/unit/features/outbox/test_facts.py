"""Scopes, things, and what a fleet wants to be notified of."""

from __future__ import annotations

from bot.domain.names import BranchName, PullNumber, RepoName, SubmodulePath
from bot.domain.notices import NoticeSeverity, Topic
from bot.features.outbox.facts import (
    Condition,
    Notice,
    apply_rules,
    approval_scope,
    parse_pin_scope,
    pin_scope,
)
from bot.fleetfile import NoticeRules

FAILED = Notice(topic=Topic.DEPLOY_FAILED, fleet=RepoName("a/b"), subject="AIOS", text="health", url="https://x/1")
DRIFT = Notice(topic=Topic.DRIFT, fleet=RepoName("a/b"), subject="AIOS")


def test_a_scope_of_a_pin_is_read_back_also_with_blanks_in_the_path() -> None:
    base, submodule = BranchName("release/1"), SubmodulePath("my server")
    assert pin_scope("rollout", base, submodule) == "rollout release/1 my server"
    assert parse_pin_scope("rollout release/1 my server") == (base, submodule)
    for other in (approval_scope(PullNumber(12)), "access", ""):
        assert parse_pin_scope(other) is None
    assert approval_scope(PullNumber(12)) == "approval 12"


def test_a_thing_is_its_topic_and_subject() -> None:
    assert Condition(notice=FAILED, state="5").thing == "deploy_failed AIOS"


def test_a_fleet_is_told_what_it_wants_with_its_quiet_hours() -> None:
    failed, drift = Condition(notice=FAILED, state="5", due_at=9), Condition(notice=DRIFT)
    rules = NoticeRules(severities=(NoticeSeverity.URGENT,), quiet="22:00-07:00")
    quiet = Notice(
        topic=Topic.DEPLOY_FAILED,
        fleet=RepoName("a/b"),
        subject="AIOS",
        text="health",
        url="https://x/1",
        quiet="22:00-07:00",
    )
    assert apply_rules((failed, drift), rules) == (Condition(notice=quiet, state="5", due_at=9),)
    assert apply_rules((failed, drift), NoticeRules()) == (failed, drift)
    assert apply_rules((failed,), NoticeRules(severities=())) == ()
