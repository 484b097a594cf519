"""Merge pull requests, now or once GitHub's own rules are met."""

from __future__ import annotations

from bot.domain.names import RepoName
from bot.github.client import Client
from bot.github.endpoints import path_of
from bot.github.endpoints.people import PullDetail


def merge_pull(client: Client, repo: RepoName, pull: PullDetail) -> None:
    """Merge `pull` at the head that was read. GitHubError when it moved, or its rules are not met."""
    client.send("PUT", path_of(repo, "pulls", pull.number, "merge"), {"sha": pull.head.sha})


def enable_auto_merge(client: Client, pull: PullDetail) -> None:
    """Have GitHub merge the head that was read once its rules are met. GitHubError when they are met already."""
    query = (
        "mutation($pull: ID!, $head: GitObjectID!) { enablePullRequestAutoMerge(input: "
        "{pullRequestId: $pull, expectedHeadOid: $head}) { pullRequest { number } } }"
    )
    client.graphql(query, object, pull=pull.node_id, head=pull.head.sha)


def disable_auto_merge(client: Client, pull: PullDetail) -> None:
    """Have GitHub no longer merge `pull` by itself. GitHubError when it would not anyway."""
    query = (
        "mutation($pull: ID!) { disablePullRequestAutoMerge(input: {pullRequestId: $pull}) "
        "{ pullRequest { number } } }"
    )
    client.graphql(query, object, pull=pull.node_id)
