"""The rules that rulesets set for a branch."""

from __future__ import annotations

from typing import TypeVar

from bot.domain.names import RepoName
from bot.github.client import Client
from bot.github.endpoints import path_of
from bot.github.errors import GitHubError

_Rule = TypeVar("_Rule")
_NOT_IN_THIS_PLAN = "make this repository public"
"""What GitHub says (403) where the account's plan has no rulesets for private repositories."""


def find_rules(client: Client, repo: RepoName, branch: str, kind: type[_Rule]) -> tuple[_Rule, ...]:
    """The rules of `branch`, each as `kind`; none where the account's plan has no rulesets."""
    try:
        return client.list(path_of(repo, "rules/branches", branch), kind)
    except GitHubError as problem:
        if problem.status != 403 or _NOT_IN_THIS_PLAN not in problem.message:
            raise
        return ()
