"""The bot's own issues in a repository."""

from __future__ import annotations

from bot.domain.names import RepoName
from bot.domain.values import Wire
from bot.github.client import Client

ISSUES_LOOKED_AT = 100  # of our own, newest first


class Issue(Wire, frozen=True):
    """One issue, or a pull request when `pull_request` is set."""

    number: int
    state: str
    title: str
    body: str | None = None
    pull_request: object = None


def find_issues_of(client: Client, repo: RepoName, login: str) -> tuple[Issue, ...]:
    """The issues that `login` opened, open and closed, newest first; no pull requests."""
    query = {"creator": login, "state": "all", "sort": "created", "direction": "desc"}
    found = client.list(f"/repos/{repo}/issues", Issue, most=ISSUES_LOOKED_AT, query=query)
    return tuple(issue for issue in found if issue.pull_request is None)


def open_issue(client: Client, repo: RepoName, *, title: str, body: str) -> Issue:
    """A new issue."""
    return client.post(f"/repos/{repo}/issues", Issue, {"title": title, "body": body})


def edit_issue(client: Client, repo: RepoName, number: int, changes: dict[str, str]) -> None:
    """Change `title`, `body`, `state` ("open" or "closed"), `state_reason` of an issue."""
    client.send("PATCH", f"/repos/{repo}/issues/{number}", changes)
