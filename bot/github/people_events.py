"""Parse comments, reviews and buttons of check runs into events. Pure.

What a bot wrote or pressed, and what somebody edited, is Ignored.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from bot.domain.events import AccessChanged, AuthorizationRevoked, ButtonPressed, Commented, Reviewed
from bot.domain.names import InstallationId, PullNumber, RepoName, parse_commit_sha, parse_login
from bot.domain.values import Wire
from bot.domain.verbs import LONGEST_LINE, PREFIX, first_line
from bot.github.ignored import Ignored, IgnoredReason
from bot.github.shapes import User


class _Numbered(Wire, frozen=True):
    number: int


class _Issue(Wire, frozen=True):
    number: int
    pull_request: dict[str, msgspec.Raw] | None = None


class _Sender(Wire, frozen=True):
    id: int


class _SenderBody(Wire, frozen=True):
    sender: _Sender


class _Comment(Wire, frozen=True):
    id: int
    user: User
    created_at: str
    body: str = ""
    performed_via_github_app: dict[str, msgspec.Raw] | None = None


class _CommentBody(Wire, frozen=True):
    issue: _Issue
    comment: _Comment
    sender: User


class _Review(Wire, frozen=True):
    id: int = 0
    user: User | None = None
    body: str | None = None
    submitted_at: str | None = None


class _ReviewBody(Wire, frozen=True):
    pull_request: _Numbered
    review: _Review


class _Button(Wire, frozen=True):
    identifier: str


class _ButtonCheck(Wire, frozen=True):
    id: int
    head_sha: str
    external_id: str | None = None


class _ButtonBody(Wire, frozen=True):
    check_run: _ButtonCheck
    requested_action: _Button
    sender: User


def parse_revocation(body: bytes) -> AuthorizationRevoked:
    """Who took back that the App may act as them: the event's sender."""
    return AuthorizationRevoked(person=msgspec.json.decode(body, type=_SenderBody).sender.id)


def parse_access_event(
    name: str, action: str, installation: InstallationId, repo: RepoName | None
) -> AccessChanged | None:
    """The event of somebody who may do more or less than before; None for any other. `repo` is None for a team's."""
    match name, action:
        case "member", "added" | "removed" | "edited":
            return AccessChanged(installation=installation, repo=repo)
        case "membership", "added" | "removed":
            return AccessChanged(installation=installation)
        case "organization", "member_added" | "member_removed":
            return AccessChanged(installation=installation)
    return None


def parse_people_event(
    name: str, action: str, body: bytes, installation: InstallationId, repo: RepoName
) -> Commented | Reviewed | ButtonPressed | Ignored:
    """The event of a comment, a review or a button. Raises msgspec's errors and ValueError for an unreadable one."""
    match name, action:
        case "issue_comment", "created":
            return _parse_comment(body, installation, repo)
        case "issue_comment", ("edited" | "deleted"):
            return Ignored(reason=IgnoredReason.EDITED, detail=action)
        case "pull_request_review", ("submitted" | "edited" | "dismissed"):
            return _parse_review(action, body, installation, repo)
        case "check_run", "requested_action":
            return _parse_button(body, installation, repo)
    return Ignored(reason=IgnoredReason.UNKNOWN_EVENT, detail=f"{name}.{action}"[:100])


def _parse_comment(body: bytes, installation: InstallationId, repo: RepoName) -> Commented | Ignored:
    found = msgspec.json.decode(body, type=_CommentBody)
    comment, line = found.comment, first_line(found.comment.body)[: LONGEST_LINE + 1]
    if found.issue.pull_request is None or not line.startswith(PREFIX):
        return Ignored(reason=IgnoredReason.NOT_A_COMMAND)
    people = (comment.user, found.sender)
    if any(one.type != "User" for one in people) or comment.performed_via_github_app is not None:
        return Ignored(reason=IgnoredReason.NOT_A_PERSON, detail=parse_login(comment.user.login))
    if comment.user.login != found.sender.login:
        return Ignored(reason=IgnoredReason.UNREADABLE, detail="the comment's author did not send it")
    return Commented(
        repo=repo,
        installation=installation,
        number=PullNumber(found.issue.number),
        comment=comment.id,
        actor=parse_login(comment.user.login),
        line=line,
        said_at=comment.created_at,
    )


def _parse_review(action: str, body: bytes, installation: InstallationId, repo: RepoName) -> Reviewed:
    found = msgspec.json.decode(body, type=_ReviewBody)
    review, event = (
        found.review,
        Reviewed(repo=repo, installation=installation, number=PullNumber(found.pull_request.number)),
    )
    line = first_line(review.body or "")[: LONGEST_LINE + 1]
    if action != "submitted" or review.user is None or review.user.type != "User" or not line.startswith(PREFIX):
        return event
    return replace(
        event,
        review=review.id,
        actor=parse_login(review.user.login),
        line=line,
        said_at=review.submitted_at or "",
    )


def _parse_button(body: bytes, installation: InstallationId, repo: RepoName) -> ButtonPressed | Ignored:
    found = msgspec.json.decode(body, type=_ButtonBody)
    if found.sender.type != "User":
        return Ignored(reason=IgnoredReason.NOT_A_PERSON, detail=parse_login(found.sender.login))
    return ButtonPressed(
        repo=repo,
        installation=installation,
        check=found.check_run.id,
        sha=parse_commit_sha(found.check_run.head_sha),
        plan=(found.check_run.external_id or "")[:100],
        button=found.requested_action.identifier[:20],
        actor=parse_login(found.sender.login),
    )
