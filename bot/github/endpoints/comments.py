"""Comments on pull requests and issues."""

from __future__ import annotations

from bot.domain.names import RepoName
from bot.domain.values import Wire
from bot.github.client import Client
from bot.github.endpoints import path_of
from bot.github.shapes import User


class Comment(Wire, frozen=True):
    """One comment on a pull request."""

    id: int
    node_id: str
    body: str
    user: User | None = None


def find_comments(client: Client, repo: RepoName, number: int) -> tuple[Comment, ...]:
    """Every comment of a pull request, oldest first."""
    return client.list(path_of(repo, "issues", number, "comments"), Comment)


def post_comment(client: Client, repo: RepoName, number: int, body: str) -> Comment:
    """A new comment."""
    return client.post(path_of(repo, "issues", number, "comments"), Comment, {"body": body})


def edit_comment(client: Client, repo: RepoName, comment: int, body: str) -> None:
    """Rewrite a comment of ours."""
    client.send("PATCH", path_of(repo, "issues/comments", comment), {"body": body})
