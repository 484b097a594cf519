"""Deployments and their statuses."""

from __future__ import annotations

import json
from typing import Any

from flask import request

from sandbox.api import ApiResponse, Context, Route, invalid, paged
from sandbox.commits import resolve
from sandbox.records import Deployment, DeploymentStatus, Repo
from sandbox.state import ApiError

MAX_DESCRIPTION_LENGTH = 140  # of a deployment's status
_STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")


def _keep_payload(context: Context, payload: Any) -> Any:
    if context.state.behaviours.payload_as_text:
        return payload if isinstance(payload, str) else json.dumps(payload)
    return json.loads(payload) if isinstance(payload, str) and payload.startswith("{") else payload


def create_deployment(context: Context, repo: Repo) -> Any:
    (ref,) = context.need("ref")
    body = context.body
    sha = resolve(repo, ref)
    required = body.get("required_contexts")
    behind = not repo.git.is_ancestor(resolve(repo, repo.default_branch), sha)
    if body.get("auto_merge", True) and behind:
        return ApiResponse(202, {"message": f"Auto-merged {repo.default_branch} into {ref} on deployment."})
    latest = {status.context: status.state for status in repo.statuses if status.sha == sha}
    if required is None and any(state != "success" for state in latest.values()):
        raise ApiError(409, "Conflict: Commit status checks failed", errors=[])
    payload = body.get("payload", {})
    environment = body.get("environment", "production")
    deployment = Deployment(
        id=context.state.new_id(),
        sha=sha,
        ref=ref,
        task=body.get("task", "deploy"),
        payload=_keep_payload(context, payload),
        environment=environment,
        production=body.get("production_environment", environment == "production"),
        description=body.get("description"),
        creator=context.user,
    )
    repo.deployments.append(deployment)
    shape = context.shapes.deployment(repo, deployment)
    context.effects.send(
        "deployment", repo, context.user, action="created", deployment=shape, workflow=None, workflow_run=None
    )
    return ApiResponse(201, shape)


def list_deployments(context: Context, repo: Repo) -> Any:
    wanted = {name: request.args[name] for name in ("sha", "ref", "task", "environment") if name in request.args}
    listed = [d for d in reversed(repo.deployments) if context.state.is_listed(d.id)]
    found = [d for d in listed if all(getattr(d, name) == wanted[name] for name in wanted)]
    return paged(found, lambda deployment: context.shapes.deployment(repo, deployment))


def _deployment(repo: Repo, number: int) -> Deployment:
    for deployment in repo.deployments:
        if deployment.id == number:
            return deployment
    raise ApiError(404, "Not Found")


def get_deployment(context: Context, repo: Repo, id: int) -> Any:
    return context.shapes.deployment(repo, _deployment(repo, id))


def delete_deployment(context: Context, repo: Repo, id: int) -> Any:
    deployment = _deployment(repo, id)
    state = deployment.statuses[-1].state if deployment.statuses else ""
    if state in ("success", "in_progress", "queued", "pending") and len(repo.deployments) > 1:
        words = "We cannot delete an active deployment unless it is the only deployment in a given environment."
        raise ApiError(422, words)
    repo.deployments.remove(deployment)
    return ApiResponse(204)


def create_deployment_status(context: Context, repo: Repo, id: int) -> Any:
    deployment = _deployment(repo, id)
    (state,) = context.need("state")
    body = context.body
    description = body.get("description") or ""
    if state not in _STATES:
        raise invalid({"resource": "DeploymentStatus", "field": "state", "code": "custom"})
    if len(description) > MAX_DESCRIPTION_LENGTH:
        words = f"description is too long (maximum is {MAX_DESCRIPTION_LENGTH} characters)"
        raise invalid({"resource": "DeploymentStatus", "field": "description", "code": "custom", "message": words})
    status = DeploymentStatus(
        id=context.state.new_id(),
        state=state,
        description=description,
        log_url=body.get("log_url") or body.get("target_url") or "",
        environment_url=body.get("environment_url") or "",
        creator=context.user,
    )
    deployment.statuses.append(status)
    shape = context.shapes.deployment_status(repo, deployment, status)
    context.effects.send(
        "deployment_status",
        repo,
        context.user,
        action="created",
        deployment_status=shape,
        deployment=context.shapes.deployment(repo, deployment),
        workflow=None,
        workflow_run=None,
    )
    context.state.changed.notify_all()
    return ApiResponse(201, shape)


def list_deployment_statuses(context: Context, repo: Repo, id: int) -> Any:
    deployment = _deployment(repo, id)
    newest_first = list(reversed(deployment.statuses))
    return paged(newest_first, lambda status: context.shapes.deployment_status(repo, deployment, status))


_REPO = "/repos/{owner}/{repo}"
ROUTES = [
    Route("POST", f"{_REPO}/deployments", create_deployment, "deployments", "write"),
    Route("GET", f"{_REPO}/deployments", list_deployments, "deployments", "read"),
    Route("GET", f"{_REPO}/deployments/{{id}}", get_deployment, "deployments", "read"),
    Route("DELETE", f"{_REPO}/deployments/{{id}}", delete_deployment, "deployments", "write"),
    Route("POST", f"{_REPO}/deployments/{{id}}/statuses", create_deployment_status, "deployments", "write"),
    Route("GET", f"{_REPO}/deployments/{{id}}/statuses", list_deployment_statuses, "deployments", "read"),
]
