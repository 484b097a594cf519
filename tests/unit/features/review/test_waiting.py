"""Which pull requests wait for a person, and from when on a notice says so."""

from __future__ import annotations

import msgspec
import pytest

from bot.domain.names import CommitSha, PullNumber, RepoName
from bot.domain.notices import NoticeSeverity, Topic
from bot.features.outbox.facts import Condition, Notice, WaitingPull
from bot.features.review.decide import Missing, Need, ReviewDecision
from bot.features.review.facts import ReviewFacts
from bot.features.review.text import describe_wait, describe_waiting
from bot.fleetfile import NoticeRules, ReviewRules

FACTS = ReviewFacts(
    paths=(),
    complete=True,
    rules=ReviewRules(),
    author="ada",
    head=CommitSha("a" * 40),
    ours=True,
    notify=NoticeRules(),
)
OPTIONAL = ReviewDecision(matched=(), need=Need.OPTIONAL, missing=Missing.NOTHING)
MISSING = ReviewDecision(matched=(), need=Need.REQUIRED, missing=Missing.APPROVAL)


def waiting(
    facts: ReviewFacts = FACTS, decision: ReviewDecision = OPTIONAL, **changes: object
) -> tuple[Condition, ...]:
    changed = msgspec.structs.replace(facts, **changes)
    return describe_waiting(RepoName("a/b"), changed, decision, number=PullNumber(12), since=1000, url="https://x/12")


def test_ours_waits_to_be_merged_and_anybodys_for_a_review_that_is_missing() -> None:
    def told(text: str) -> tuple[Condition, ...]:
        notice = Notice(
            topic=Topic.APPROVAL_WAITS, fleet=RepoName("a/b"), subject="#12", text=text, url="https://x/12"
        )
        return (Condition(notice=notice, due_at=1000 + 86_400),)

    assert waiting() == told("ready to merge")
    asked = "A person with write permission must approve the newest commit"
    assert waiting(decision=MISSING) == waiting(decision=MISSING, ours=False) == told(asked)
    assert waiting(ours=False) == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"notify": None},
        {"notify": NoticeRules(approval_after=0)},
        {"notify": NoticeRules(severities=(NoticeSeverity.URGENT,))},
        {"draft": True},
        {"auto_merge": True},
        {"decision": msgspec.structs.replace(OPTIONAL, auto_merge=True)},
    ],
)
def test_what_nobody_is_to_hear_of_waits_silently(changes: dict[str, object]) -> None:
    assert waiting(**changes) == ()  # type: ignore[arg-type]  # one of them is the decision


def test_one_whose_auto_merge_is_taken_back_waits() -> None:
    by_hand = msgspec.structs.replace(OPTIONAL, by_hand=True)
    assert waiting(decision=by_hand, auto_merge=True) != ()


def test_the_fleet_says_how_long_and_when_it_is_quiet() -> None:
    (one,) = waiting(notify=NoticeRules(approval_after=60, quiet="22:00-07:00"))
    assert (one.due_at, one.notice.quiet) == (1060, "22:00-07:00")


def test_the_pages_show_what_waits_whether_or_not_people_are_notified() -> None:
    silent = msgspec.structs.replace(FACTS, notify=msgspec.structs.replace(NoticeRules(), approval_after=0))

    def shown(facts: ReviewFacts, decision: ReviewDecision) -> WaitingPull | None:
        return describe_wait(facts, decision, number=PullNumber(12), title="Bump", since=1000)

    merge = WaitingPull(
        number=PullNumber(12),
        title="Bump",
        author="ada",
        since=1000,
        head=FACTS.head,
        why="ready to merge",
        to_merge=True,
    )
    assert shown(silent, OPTIONAL) == merge
    approve = msgspec.structs.replace(
        merge, why="A person with write permission must approve the newest commit", to_merge=False
    )
    assert shown(FACTS, MISSING) == approve
    assert shown(msgspec.structs.replace(FACTS, draft=True), MISSING) is None
    assert shown(msgspec.structs.replace(FACTS, notify=None), MISSING) is None
    assert shown(msgspec.structs.replace(FACTS, ours=False), OPTIONAL) is None
    assert shown(msgspec.structs.replace(FACTS, auto_merge=True), OPTIONAL) is None
