"""Find or make the bot's own comments, and hide outdated ones."""

from __future__ import annotations

import logging

from bot.domain.errors import BotError
from bot.domain.names import PullNumber, RepoName
from bot.github.client import Client
from bot.github.endpoints import comments
from bot.github.endpoints.comments import Comment

log = logging.getLogger(__name__)


def put_comment(
    client: Client, repo: RepoName, number: PullNumber, *, marker: str, body: str, login: str
) -> tuple[Comment, ...]:
    """Make `login`'s one comment with `marker`, or edit it when its text differs.

    Returns the comments that `login` had before when this one is new, oldest first; none when it was there.
    """
    text = body if marker in body else f"{body}\n\n{marker}"
    # Anybody may write the marker into a comment; only our own is ours to edit.
    found = comments.find_comments(client, repo, number)
    ours = tuple(one for one in found if one.user is not None and one.user.login == login)
    known = next((one for one in ours if marker in one.body), None)
    if known is None:
        comments.post_comment(client, repo, number, text)
        return ours
    if known.body != text:
        comments.edit_comment(client, repo, known.id, text)
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
