"""Merge pull requests, now or once GitHub's own rules are met."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from bot.domain.errors import BotError
from bot.domain.names import RepoName
from bot.domain.values import Wire
from bot.github.client import Client
from bot.github.endpoints import path_of
from bot.github.endpoints.people import PullDetail
from bot.github.endpoints.rules import find_rules
from bot.github.errors import GitHubError

_MOVED = ("Base branch was modified", "Head branch was modified", "Merge already in progress")
"""What GitHub says (405, 409) while it has yet to find out whether a head merges into a base, or merges already."""


class NotYetMergeable(BotError):  # noqa: N818 - an answer, not a failure
    """GitHub has yet to find out whether a pull request can be merged (REST: pulls/get, pulls/merge)."""


class MergeMethod(StrEnum):
    """How GitHub merges, as REST writes it; the first one that a repository allows is used."""

    MERGE = "merge"
    SQUASH = "squash"
    REBASE = "rebase"


class _Allowed(Wire, frozen=True):
    """What the repository allows; a server that does not say allows all."""

    allow_merge_commit: bool = True
    allow_squash_merge: bool = True
    allow_rebase_merge: bool = True


class _RuleParameters(Wire, frozen=True):
    allowed_merge_methods: tuple[str, ...] | None = None


class _Rule(Wire, frozen=True):
    type: str
    parameters: _RuleParameters | None = None


def find_merge_method(client: Client, repo: RepoName, base: str) -> MergeMethod:
    """The method to merge into `base` with, by the repository's settings and the branch's rules.

    Where everything is forbidden it is a merge commit, and GitHub says why not.
    """
    return _choose_method(client, repo, find_rules(client, repo, base, _Rule))


def _choose_method(client: Client, repo: RepoName, rules: Iterable[_Rule]) -> MergeMethod:
    allowed = client.get(path_of(repo), _Allowed)
    possible = {
        MergeMethod.MERGE: allowed.allow_merge_commit,
        MergeMethod.SQUASH: allowed.allow_squash_merge,
        MergeMethod.REBASE: allowed.allow_rebase_merge,
    }
    for rule in rules:
        if rule.type == "required_linear_history":
            possible[MergeMethod.MERGE] = False
        methods = rule.parameters.allowed_merge_methods if rule.parameters else None
        if methods is not None:
            possible = {method: can and method in methods for method, can in possible.items()}
    return next((method for method, can in possible.items() if can), MergeMethod.MERGE)


def merge_pull(client: Client, repo: RepoName, pull: PullDetail) -> None:
    """Merge `pull` at the head that was read, or put it into the branch's merge queue.

    GitHubError when its rules are not met; NotYetMergeable when it or its base moved just now.
    """
    rules = find_rules(client, repo, pull.base.ref, _Rule)
    if any(rule.type == "merge_queue" for rule in rules):
        _enqueue(client, pull)
        return
    method = _choose_method(client, repo, rules)
    body = {"sha": pull.head.sha, "merge_method": method}
    try:
        client.send("PUT", path_of(repo, "pulls", pull.number, "merge"), body)
    except GitHubError as problem:
        if problem.status in (405, 409) and any(words in problem.message for words in _MOVED):
            raise NotYetMergeable(f"{repo}#{pull.number}: {problem.message}") from None
        raise


def _enqueue(client: Client, pull: PullDetail) -> None:
    query = (
        "mutation($pull: ID!, $head: GitObjectID!) { enqueuePullRequest("
        "input: {pullRequestId: $pull, expectedHeadOid: $head}) { mergeQueueEntry { position } } }"
    )
    client.graphql(query, object, pull=pull.node_id, head=pull.head.sha)


def update_branch(client: Client, repo: RepoName, pull: PullDetail) -> None:
    """Merge the base into the head that was read. GitHubError when they conflict, or the head moved."""
    client.send("PUT", path_of(repo, "pulls", pull.number, "update-branch"), {"expected_head_sha": pull.head.sha})


def enable_auto_merge(client: Client, pull: PullDetail) -> None:
    """Have GitHub merge the head that was read once its rules are met. GitHubError when they are met already."""
    repo = RepoName(pull.base.repo.full_name) if pull.base.repo else None
    method = find_merge_method(client, repo, pull.base.ref) if repo else MergeMethod.MERGE
    query = (
        "mutation($pull: ID!, $head: GitObjectID!, $method: PullRequestMergeMethod!) { enablePullRequestAutoMerge("
        "input: {pullRequestId: $pull, expectedHeadOid: $head, mergeMethod: $method}) { pullRequest { number } } }"
    )
    client.graphql(query, object, pull=pull.node_id, head=pull.head.sha, method=method.upper())


def disable_auto_merge(client: Client, pull: PullDetail) -> None:
    """Have GitHub no longer merge `pull` by itself. GitHubError when it would not anyway."""
    query = (
        "mutation($pull: ID!) { disablePullRequestAutoMerge(input: {pullRequestId: $pull}) "
        "{ pullRequest { number } } }"
    )
    client.graphql(query, object, pull=pull.node_id)
