"""Environments with the kinds of their protection rules."""

from __future__ import annotations

from typing import Any

from sandbox.api import Context, Route
from sandbox.records import Repo
from sandbox.state import ApiError


def get_environment(context: Context, repo: Repo, name: str) -> Any:
    """environment. It exists once something was deployed to it, or after its set-up."""
    known = {deployment.environment for deployment in repo.deployments} | set(repo.environments)
    if name not in known:
        raise ApiError(404, "Not Found")
    number = 1 + sorted(known).index(name)
    base = f"{context.shapes.api}/repos/{repo.full_name}/environments/{name}"
    return {
        "id": number,
        "node_id": f"EN_{number}",
        "name": name,
        "url": base,
        "html_url": f"{context.shapes.url}/{repo.full_name}/deployments/activity_log?environments_filter={name}",
        "created_at": repo.created_at,
        "updated_at": repo.created_at,
        "protection_rules": [
            {"id": place, "node_id": f"GA_{place}", "type": kind}
            for place, kind in enumerate(repo.environments.get(name, ()), 1)
        ],
        "deployment_branch_policy": None,
    }


def refuses_without_deployment(repo: Repo, name: str) -> bool:
    """Whether a job without a deployment fails in this environment: it does with any custom rule."""
    return bool(set(repo.environments.get(name, ())) - {"wait_timer", "required_reviewers", "branch_policy"})


ROUTES = [Route("GET", "/repos/{owner}/{repo}/environments/{name}", get_environment, "actions", "read")]
