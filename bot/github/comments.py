"""Find or make the comments of the bot."""

from __future__ import annotations

from bot.domain.names import PullNumber, RepoName
from bot.github.client import Client
from bot.github.endpoints import repository


def put_comment(client: Client, repo: RepoName, number: PullNumber, *, marker: str, body: str, login: str) -> None:
    """Make `login`'s one comment with `marker`, or edit it when its text differs."""
    text = body if marker in body else f"{body}\n\n{marker}"
    comments = repository.find_comments(client, repo, number)
    # Anybody may write the marker into a comment; only our own is ours to edit.
    known = next((c for c in comments if marker in c.body and c.user and c.user.login == login), None)
    if known is None:
        repository.post_comment(client, repo, number, text)
    elif known.body != text:
        repository.edit_comment(client, repo, known.id, text)
