"""Find or make the bot's own comments, and hide outdated ones."""

from __future__ import annotations

import logging

from msgspec.structs import replace

from bot.domain.errors import BotError
from bot.domain.names import PullNumber, RepoName
from bot.github.client import Client
from bot.github.endpoints import comments
from bot.github.endpoints.comments import Comment
from bot.github.errors import GitHubError, NotFound

log = logging.getLogger(__name__)

_CANNOT_COMMENT = (403, 404, 410, 422)


def put_comment(
    client: Client, repo: RepoName, number: PullNumber, *, marker: str, body: str, login: str
) -> tuple[Comment, ...]:
    """Make `login`'s one comment with `marker`, or edit it when its text differs.

    Returns the comments that `login` had before when this one is new, oldest first; none when it was there.
    A comment that GitHub refuses (a locked conversation, issues that are switched off, an archived repository) is
    logged, and ends nothing: it only reports.
    """
    try:
        return _put_comment(client, repo, number, marker=marker, body=body, login=login)
    except GitHubError as problem:
        if problem.status not in _CANNOT_COMMENT:
            raise
        log.warning("a comment on %s#%d was refused: %s", repo, number, problem)
        return ()


def post_first_comment(client: Client, repo: RepoName, number: PullNumber, *, marker: str, body: str) -> bool:
    """Post the comment with `marker` where there is surely none yet, without a look for it; whether it was made.

    What GitHub refuses is logged, as in put_comment.
    """
    try:
        made = comments.post_comment(client, repo, number, body if marker in body else f"{body}\n\n{marker}")
    except GitHubError as problem:
        if problem.status not in _CANNOT_COMMENT:
            raise
        log.warning("a comment on %s#%d was refused: %s", repo, number, problem)
        return False
    client.memory.keep(made, "comment", repo, number, marker)
    return True


def find_own_comments(client: Client, repo: RepoName, number: PullNumber, *, login: str) -> tuple[Comment, ...]:
    """The comments that `login` wrote, oldest first."""
    found = comments.find_comments(client, repo, number)
    return tuple(one for one in found if one.user is not None and one.user.login == login)


def _put_comment(
    client: Client, repo: RepoName, number: PullNumber, *, marker: str, body: str, login: str
) -> tuple[Comment, ...]:
    text = body if marker in body else f"{body}\n\n{marker}"
    # Anybody may write the marker into a comment; only our own is ours to edit.
    ours = find_own_comments(client, repo, number, login=login)
    remembered: Comment | None = client.memory.find("comment", repo, number, marker)  # the list may lie behind
    known = next((one for one in ours if marker in one.body), remembered)
    if known is None:
        client.memory.keep(comments.post_comment(client, repo, number, text), "comment", repo, number, marker)
        return ours
    if known.body != text:
        try:
            comments.edit_comment(client, repo, known.id, text)
        except NotFound:  # somebody deleted it since
            made = comments.post_comment(client, repo, number, text)
            client.memory.keep(made, "comment", repo, number, marker)
            return ()
        if known is remembered:
            client.memory.keep(replace(known, body=text), "comment", repo, number, marker)
    return ()


def minimize_comment(client: Client, comment: Comment) -> None:
    """Hide a comment as outdated. A failure is only logged: the comment stays readable."""
    query = (
        "mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) "
        "{ minimizedComment { isMinimized } } }"
    )
    try:
        client.graphql(query, object, id=comment.node_id)
    except BotError as problem:
        log.info("a comment was not hidden: %s", problem)
