"""What GitHub's REST API offers, as plain functions over a Client that return values of ours."""

from __future__ import annotations

from urllib.parse import quote

from bot.domain.names import RepoName


def path_of(repo: RepoName, *parts: str | int) -> str:
    """The API's path of something in `repo`; the parts may hold slashes, and are percent-encoded."""
    return "/".join([f"/repos/{repo}", *(quote(str(part), safe="/") for part in parts)])
