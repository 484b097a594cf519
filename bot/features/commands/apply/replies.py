"""The bot's own comments in a pull request: found by their markers, edited in place, older ones folded away."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from bot.domain.errors import BotError
from bot.domain.names import PullNumber, RepoName
from bot.domain.values import Wire
from bot.features.commands.text.reply import parse_reply_marker
from bot.github.client import Client
from bot.github.endpoints import repository
from bot.github.endpoints.repository import Comment
from bot.github.errors import GitHubError

if TYPE_CHECKING:
    from bot.features.commands.run import CommandTools

log = logging.getLogger(__name__)
_ONE_AT_A_TIME = ("status", "plan", "help")  # kinds of replies of which only the newest matters


class _Minimized(Wire, frozen=True):
    pass


def put_reply(tools: CommandTools, client: Client, repo: RepoName, number: PullNumber, *, body: str) -> None:
    """The one reply that has the marker of `body`: made once, edited when its text changes.

    A new one of a kind of which only the newest matters folds the one before away as outdated.
    """
    marker = parse_reply_marker(body)
    ours = _find_ours(tools, client, repo, number)
    held = next((c for c in ours if parse_reply_marker(c.body) == marker), None)
    if held is not None:
        if held.body != body:
            repository.edit_comment(client, repo, held.id, body)
        return
    repository.post_comment(client, repo, number, body)
    if marker is not None and marker[1] in _ONE_AT_A_TIME:
        same = [c for c in ours if (parse_reply_marker(c.body) or ("", ""))[1] == marker[1]]
        if same:
            minimize(client, same[-1].node_id)


def _find_ours(tools: CommandTools, client: Client, repo: RepoName, number: PullNumber) -> list[Comment]:
    """Anybody may write a marker into a comment; only our own comments are ours."""
    login = tools.fleets.app.login()
    comments = repository.find_comments(client, repo, number)
    return [c for c in comments if c.user is not None and c.user.login == login]


def minimize(client: Client, node_id: str) -> None:
    """Fold a comment away as outdated. Only for the eye: a failure is no reason to stop."""
    query = (
        "mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) "
        "{ minimizedComment { isMinimized } } }"
    )
    try:
        client.graphql(query, _Minimized, id=node_id)
    except (BotError, GitHubError) as problem:
        log.info("a comment stays unfolded: %s", problem)
