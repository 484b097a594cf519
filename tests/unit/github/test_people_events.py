"""Comments, reviews and buttons: each field of the event, and who and what is ignored, with its reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.events import ButtonPressed, Commented, Event, Reviewed
from bot.domain.names import CommitSha, InstallationId, PullNumber, RepoName
from bot.domain.verbs import LONGEST_LINE
from bot.github.events import parse_event
from bot.github.ignored import Ignored, IgnoredReason
from tests.unit.payloads import SHA, payload

REPO, SEVEN = RepoName("acme/server"), InstallationId(7)
ADA = {"login": "ada", "id": 3, "type": "User"}
BOT = {"login": "renovate[bot]", "id": 4, "type": "Bot"}
COMMENT = {
    "action": "created",
    "issue": {"number": 12, "title": "t", "pull_request": {"url": "u"}},
    "comment": {
        "id": 99,
        "user": ADA,
        "created_at": "2026-07-14T03:33:20Z",
        "body": "/deploy HP_LAB\r\nplease",
        "performed_via_github_app": None,
    },
    "sender": ADA,
}
REVIEW = {"action": "submitted", "pull_request": {"number": 12}, "review": {"state": "approved"}}
BUTTON = {
    "action": "requested_action",
    "check_run": {"id": 5, "head_sha": SHA, "external_id": "0123456789ab"},
    "requested_action": {"identifier": "plan"},
    "sender": ADA,
}


def parse(name: str, example: dict[str, Any], **changes: Any) -> Event | Ignored:
    return parse_event(name, json.dumps(payload(name, {**example, **changes})).encode())


def comment(**changes: Any) -> dict[str, Any]:
    return {**COMMENT["comment"], **changes}  # type: ignore[dict-item]  # it is a dict


def test_a_comment() -> None:
    assert parse("issue_comment", COMMENT) == Commented(
        repo=REPO,
        installation=SEVEN,
        number=PullNumber(12),
        comment=99,
        actor="ada",
        line="/deploy HP_LAB",
        said_at="2026-07-14T03:33:20Z",
    )


@pytest.mark.parametrize("action", ["submitted", "edited", "dismissed"])
def test_a_review(action: str) -> None:
    event = parse("pull_request_review", REVIEW, action=action)
    assert event == Reviewed(repo=REPO, installation=SEVEN, number=PullNumber(12))


def review(**changes: Any) -> dict[str, Any]:
    return {"id": 98, "user": ADA, "body": "/deploy\nnow", "submitted_at": "2026-07-14T03:33:20Z", **changes}


def test_a_review_with_a_command() -> None:
    assert parse("pull_request_review", REVIEW, review=review()) == Reviewed(
        repo=REPO,
        installation=SEVEN,
        number=PullNumber(12),
        review=98,
        actor="ada",
        line="/deploy",
        said_at="2026-07-14T03:33:20Z",
    )


@pytest.mark.parametrize(
    ("action", "changes"),
    [
        ("edited", {}),
        ("dismissed", {}),
        ("submitted", {"body": None}),
        ("submitted", {"body": "Please\n/deploy"}),
        ("submitted", {"user": {**ADA, "type": "Bot"}}),
        ("submitted", {"user": None}),
    ],
)
def test_a_review_without_a_command_of_a_person(action: str, changes: dict[str, Any]) -> None:
    event = parse("pull_request_review", REVIEW, action=action, review=review(**changes))
    assert event == Reviewed(repo=REPO, installation=SEVEN, number=PullNumber(12))


def test_a_button() -> None:
    assert parse("check_run", BUTTON) == ButtonPressed(
        repo=REPO,
        installation=SEVEN,
        check=5,
        sha=CommitSha(SHA),
        plan="0123456789ab",
        button="plan",
        actor="ada",
    )


@pytest.mark.parametrize("external_id", [None, ""])
def test_a_button_of_a_check_without_a_plan(external_id: str | None) -> None:
    event = parse("check_run", BUTTON, check_run={"id": 5, "head_sha": SHA, "external_id": external_id})
    assert isinstance(event, ButtonPressed)
    assert event.plan == ""


def test_what_is_long_is_cut() -> None:
    event = parse(
        "check_run",
        BUTTON,
        check_run={"id": 5, "head_sha": SHA, "external_id": "x" * 101},
        requested_action={"identifier": "y" * 21},
    )
    assert isinstance(event, ButtonPressed)
    assert (event.plan, event.button) == ("x" * 100, "y" * 20)


@pytest.mark.parametrize(("length", "kept"), [(LONGEST_LINE, LONGEST_LINE), (LONGEST_LINE + 9, LONGEST_LINE + 1)])
def test_a_line_that_is_too_long_stays_recognisable_as_such(length: int, kept: int) -> None:
    event = parse("issue_comment", COMMENT, comment=comment(body="/" + "x" * (length - 1) + "\nmore"))
    assert isinstance(event, Commented)
    assert len(event.line) == kept


IGNORED: dict[str, tuple[str, dict[str, Any], dict[str, Any], IgnoredReason, str]] = {
    "an edit": ("issue_comment", COMMENT, {"action": "edited"}, IgnoredReason.EDITED, "edited"),
    "a deletion": ("issue_comment", COMMENT, {"action": "deleted"}, IgnoredReason.EDITED, "deleted"),
    "another action": (
        "issue_comment",
        COMMENT,
        {"action": "pinned"},
        IgnoredReason.UNKNOWN_EVENT,
        "issue_comment.pinned",
    ),
    "no command": ("issue_comment", COMMENT, {"comment": comment(body="ship it")}, IgnoredReason.NOT_A_COMMAND, ""),
    "a command below the first line": (
        "issue_comment",
        COMMENT,
        {"comment": comment(body="please\n/deploy")},
        IgnoredReason.NOT_A_COMMAND,
        "",
    ),
    "an issue": (
        "issue_comment",
        COMMENT,
        {"issue": {"number": 12, "pull_request": None}},
        IgnoredReason.NOT_A_COMMAND,
        "",
    ),
    "a bot's comment": (
        "issue_comment",
        COMMENT,
        {"comment": comment(user=BOT), "sender": BOT},
        IgnoredReason.NOT_A_PERSON,
        "renovate[bot]",
    ),
    "a person's comment that a bot sent": (
        "issue_comment",
        COMMENT,
        {"sender": BOT},
        IgnoredReason.NOT_A_PERSON,
        "ada",
    ),
    "an author without a type": (
        "issue_comment",
        COMMENT,
        {"comment": comment(user={"login": "ada"})},
        IgnoredReason.NOT_A_PERSON,
        "ada",
    ),
    "an App that wrote for somebody": (
        "issue_comment",
        COMMENT,
        {"comment": comment(performed_via_github_app={"slug": "x"})},
        IgnoredReason.NOT_A_PERSON,
        "ada",
    ),
    "another sender": (
        "issue_comment",
        COMMENT,
        {"sender": {"login": "eve", "type": "User"}},
        IgnoredReason.UNREADABLE,
        "the comment's author did not send it",
    ),
    "a login that is none": (
        "issue_comment",
        COMMENT,
        {"comment": comment(user={"login": "a/b", "type": "User"}), "sender": {"login": "a/b", "type": "User"}},
        IgnoredReason.UNREADABLE,
        "not a login: 'a/b'",
    ),
    "a review that is under way": (
        "pull_request_review",
        REVIEW,
        {"action": "created"},
        IgnoredReason.UNKNOWN_EVENT,
        "pull_request_review.created",
    ),
    "a button that a bot pressed": (
        "check_run",
        BUTTON,
        {"sender": BOT},
        IgnoredReason.NOT_A_PERSON,
        "renovate[bot]",
    ),
    "a button on a commit that is none": (
        "check_run",
        BUTTON,
        {"check_run": {"id": 5, "head_sha": "6dcb09b"}},
        IgnoredReason.UNREADABLE,
        "not a full commit id (40 hexadecimal digits): '6dcb09b'",
    ),
}


@pytest.mark.parametrize("case", IGNORED)
def test_the_rest_is_ignored_with_its_reason(case: str) -> None:
    name, example, changes, reason, detail = IGNORED[case]
    assert parse(name, example, **changes) == Ignored(reason=reason, detail=detail)


@given(st.text(max_size=400))
def test_only_a_first_line_that_can_be_a_command_gets_through(body: str) -> None:
    event = parse("issue_comment", COMMENT, comment=comment(body=body))
    if isinstance(event, Commented):
        assert event.line.startswith("/")
        assert body.startswith(event.line)
        assert "\n" not in event.line
        assert len(event.line) <= LONGEST_LINE + 1
    else:
        assert event == Ignored(reason=IgnoredReason.NOT_A_COMMAND)
        assert not body.startswith("/")
