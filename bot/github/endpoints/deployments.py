"""Deployments and their statuses."""

from __future__ import annotations

from bot.domain.names import CommitSha, DeploymentId, RepoName
from bot.domain.values import Wire
from bot.github.client import Client
from bot.github.endpoints import path_of
from bot.github.errors import GitHubError
from bot.github.shapes import User

DESCRIPTION = 140  # characters of a deployment status' description


class Deployment(Wire, frozen=True):
    """One deployment of a commit to an environment (a node)."""

    id: int
    sha: str
    environment: str
    task: str
    payload: dict[str, object] | str | None = None
    creator: User | None = None
    created_at: str = ""


class DeploymentStatus(Wire, frozen=True):
    """One status of a deployment, newest first in lists."""

    id: int
    state: str
    description: str | None = None
    log_url: str | None = None
    created_at: str = ""


def find_deployments(
    client: Client, repo: RepoName, *, sha: CommitSha | None = None, environment: str | None = None, most: int = 100
) -> tuple[Deployment, ...]:
    """Deployments, newest first."""
    query: dict[str, str] = ({"sha": sha} if sha else {}) | ({"environment": environment} if environment else {})
    return client.list(path_of(repo, "deployments"), Deployment, most=most, query=query)


def find_deployment(client: Client, repo: RepoName, number: DeploymentId) -> Deployment | None:
    """One deployment, also one that no list shows yet; None when it is gone."""
    return client.find(path_of(repo, "deployments", number), Deployment)


def post_deployment(
    client: Client,
    repo: RepoName,
    *,
    sha: CommitSha,
    node: str,
    task: str,
    description: str,
    payload: dict[str, object],
) -> Deployment:
    """A deployment of `sha` to `node`. Nothing is merged into it and no check is waited for: it is approved."""
    body = {
        "ref": sha,
        "environment": node,
        "task": task,
        "auto_merge": False,
        "required_contexts": [],
        "description": description[:DESCRIPTION],
        "payload": payload,
        "production_environment": True,
    }
    return client.post(path_of(repo, "deployments"), Deployment, body)


def delete_deployment(client: Client, repo: RepoName, deployment: DeploymentId) -> None:
    """Remove a deployment that is not active; one that is gone, or active after all, stays as it is."""
    try:
        client.send("DELETE", path_of(repo, "deployments", deployment))
    except GitHubError as problem:
        if problem.status not in (404, 422):
            raise


def find_deployment_statuses(
    client: Client, repo: RepoName, deployment: DeploymentId, *, most: int = 1
) -> tuple[DeploymentStatus, ...]:
    """Its statuses, newest first."""
    return client.list(path_of(repo, "deployments", deployment, "statuses"), DeploymentStatus, most=most)


def post_deployment_status(
    client: Client,
    repo: RepoName,
    deployment: DeploymentId,
    *,
    state: str,
    description: str,
    log_url: str | None = None,
    environment_url: str | None = None,
) -> None:
    """A new status; `state` is one of GitHub's (queued, in_progress, success, failure, error, inactive)."""
    links = ({"log_url": log_url} if log_url else {}) | (
        {"environment_url": environment_url} if environment_url else {}
    )
    body = {"state": state, "description": description[:DESCRIPTION], "auto_inactive": True} | links
    client.send("POST", path_of(repo, "deployments", deployment, "statuses"), body)
