"""Check runs, commit statuses and deployments."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from flask import request

from sandbox.api import Answer, Context, Route, invalid, paged
from sandbox.rest_git import commit_shape, resolve
from sandbox.rest_people import merge_by_itself
from sandbox.state import AppRecord, CheckRun, CommitStatus, Deployment, DeploymentStatus, Refused, Repo, iso_now

LONGEST_OUTPUT = 65_535  # characters of a check run's summary and of its text (REST: checks/create)
MOST_ANNOTATIONS = 50  # a request
MOST_ACTIONS = 3
LONGEST_DESCRIPTION = 140  # of a deployment's status
_STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")


def _own_app(context: Context) -> AppRecord:
    if context.token is not None and context.token.job:
        return context.state.actions_app()
    installation = context.token.installation if context.token else None
    if installation is None:
        raise Refused(403, "You must authenticate via a GitHub App.")
    return installation.app


def _check_output(output: dict[str, Any]) -> None:
    for name in ("summary", "text"):
        if len(output.get(name) or "") > LONGEST_OUTPUT:
            words = f"{name} exceeds a maximum of {LONGEST_OUTPUT} characters"
            raise Refused(422, f"Invalid request.\n\n{words}")
    if len(output.get("annotations") or []) > MOST_ANNOTATIONS:
        raise Refused(
            422, f"Invalid request.\n\nNo more than {MOST_ANNOTATIONS} items are allowed; too many annotations"
        )
    for one in output.get("annotations") or []:
        if not {"path", "start_line", "end_line", "annotation_level", "message"} <= set(one):
            raise Refused(422, "Invalid request.\n\nan annotation lacks a required field")


def _check_actions(actions: list[dict[str, str]]) -> None:
    """At most three buttons, each of short words (REST: checks/create)."""
    limits = {"label": 20, "description": 40, "identifier": 20}
    if len(actions) > MOST_ACTIONS:
        raise Refused(422, f"Invalid request.\n\nNo more than {MOST_ACTIONS} items are allowed; too many actions")
    for action in actions:
        for name, limit in limits.items():
            if not 1 <= len(action.get(name, "")) <= limit:
                raise Refused(422, f"Invalid request.\n\n{name} must have 1 to {limit} characters")


def _change(run: CheckRun, body: dict[str, Any]) -> None:
    output = body.get("output") or {}
    _check_output(output)
    annotations = [*run.output.get("annotations", []), *(output.get("annotations") or [])]
    run.output = run.output | output | {"annotations": annotations}
    if "actions" in body:
        _check_actions(body["actions"])
        run.actions = list(body["actions"])
    run.status = body.get("status", run.status)
    if body.get("conclusion"):
        run.conclusion, run.status = body["conclusion"], "completed"
    if run.status == "completed":
        run.completed_at = run.completed_at or iso_now()


def create_check(context: Context, repo: Repo) -> Any:
    app = _own_app(context)
    name, head = context.need("name", "head_sha")
    if repo.git.resolve(head) is None:
        raise Refused(422, "No commit found for SHA")
    body = context.body
    suite = next((run.suite for run in repo.checks if (run.head_sha, run.app) == (head, app)), context.state.new_id())
    run = CheckRun(
        id=context.state.new_id(),
        suite=suite,
        name=name,
        head_sha=head,
        status="queued",
        conclusion=None,
        external_id=body.get("external_id", ""),
        details_url=body.get("details_url", ""),
        output={},
        app=app,
    )
    _change(run, body)
    repo.checks.append(run)
    _tell_check(context, repo, run, "created")
    _merge_waiting(context, repo, head)
    return Answer(201, context.shapes.check_run(repo, run))


def _merge_waiting(context: Context, repo: Repo, sha: str) -> None:
    for pull in [pull for pull in repo.pulls.values() if pull.head_sha == sha]:
        merge_by_itself(context, repo, pull)


def _tell_check(context: Context, repo: Repo, run: CheckRun, action: str) -> None:
    shape = context.shapes.check_run(repo, run) | {"check_suite": context.shapes.check_suite(repo, run)}
    context.happenings.tell("check_run", repo, context.user, action=action, check_run=shape)
    context.state.changed.notify_all()


def _run(repo: Repo, number: int) -> CheckRun:
    for run in repo.checks:
        if run.id == number:
            return run
    raise Refused(404, "Not Found")


def update_check(context: Context, repo: Repo, id: int) -> Any:
    run = _run(repo, id)
    if _own_app(context) is not run.app:
        raise Refused(403, "Invalid app_id `check_run` can only be modified by the GitHub App that created it.")
    before = run.status
    _change(run, context.body)
    if run.status == "completed" and before != "completed":
        _tell_check(context, repo, run, "completed")
    return context.shapes.check_run(repo, run)


def get_check(context: Context, repo: Repo, id: int) -> Any:
    return context.shapes.check_run(repo, _run(repo, id))


def list_annotations(context: Context, repo: Repo, id: int) -> Any:
    run = _run(repo, id)
    base = f"{context.shapes.url}/{repo.full_name}/blob/{run.head_sha}"

    def shape(one: dict[str, Any]) -> dict[str, Any]:
        optional = dict.fromkeys(("start_column", "end_column", "title", "raw_details"))
        return optional | one | {"blob_href": f"{base}/{quote(one['path'])}"}

    return paged(run.output.get("annotations", []), shape)


def list_checks(context: Context, repo: Repo, ref: str) -> Any:
    sha, name = resolve(repo, ref), request.args.get("check_name")
    latest: dict[tuple[str, int], CheckRun] = {}  # what an App calls by one name
    for run in repo.checks:
        if run.head_sha == sha and name in (None, run.name):
            latest[run.name, run.app.id] = run
    page = paged(list(latest.values()), lambda run: context.shapes.check_run(repo, run))
    return Answer(200, {"total_count": len(latest), "check_runs": page.body}, page.headers)


def create_status(context: Context, repo: Repo, sha: str) -> Any:
    (state,) = context.need("state")
    if state not in ("error", "failure", "pending", "success"):
        raise invalid({"resource": "Status", "field": "state", "code": "custom"})
    body = context.body
    status = CommitStatus(
        id=context.state.new_id(),
        sha=resolve(repo, sha),
        state=state,
        context=body.get("context", "default"),
        description=body.get("description"),
        target_url=body.get("target_url"),
        creator=context.user,
    )
    repo.statuses.append(status)
    context.happenings.tell(
        "status",
        repo,
        context.user,
        id=status.id,
        sha=status.sha,
        name=repo.full_name,
        target_url=status.target_url,
        context=status.context,
        description=status.description,
        state=status.state,
        commit=commit_shape(context, repo, status.sha),
        branches=[],
        created_at=status.created_at,
        updated_at=status.created_at,
    )
    return Answer(201, context.shapes.status(repo, status))


def combined_status(context: Context, repo: Repo, ref: str) -> Any:
    sha = resolve(repo, ref)
    latest = {status.context: status for status in repo.statuses if status.sha == sha}
    states = {status.state for status in latest.values()}
    worst = (
        "failure" if states & {"failure", "error"} else "pending" if "pending" in states or not states else "success"
    )
    base = f"{context.shapes.api}/repos/{repo.full_name}/commits/{sha}"
    shapes = [context.shapes.status(repo, status) for status in latest.values()]
    return {
        "state": worst,
        "statuses": shapes,
        "sha": sha,
        "total_count": len(latest),
        "repository": context.shapes.repository(repo),
        "commit_url": base,
        "url": f"{base}/status",
    }


def create_deployment(context: Context, repo: Repo) -> Any:
    (ref,) = context.need("ref")
    body = context.body
    sha = resolve(repo, ref)
    required = body.get("required_contexts")
    behind = not repo.git.is_ancestor(resolve(repo, repo.default_branch), sha)
    if body.get("auto_merge", True) and behind:
        return Answer(202, {"message": f"Auto-merged {repo.default_branch} into {ref} on deployment."})
    latest = {status.context: status.state for status in repo.statuses if status.sha == sha}
    if required is None and any(state != "success" for state in latest.values()):
        raise Refused(409, "Conflict: Commit status checks failed", errors=[])
    payload = body.get("payload", {})
    environment = body.get("environment", "production")
    deployment = Deployment(
        id=context.state.new_id(),
        sha=sha,
        ref=ref,
        task=body.get("task", "deploy"),
        payload=json.loads(payload) if isinstance(payload, str) and payload.startswith("{") else payload,
        environment=environment,
        production=body.get("production_environment", environment == "production"),
        description=body.get("description"),
        creator=context.user,
    )
    repo.deployments.append(deployment)
    shape = context.shapes.deployment(repo, deployment)
    context.happenings.tell(
        "deployment", repo, context.user, action="created", deployment=shape, workflow=None, workflow_run=None
    )
    return Answer(201, shape)


def list_deployments(context: Context, repo: Repo) -> Any:
    wanted = {name: request.args[name] for name in ("sha", "ref", "task", "environment") if name in request.args}
    found = [d for d in reversed(repo.deployments) if all(getattr(d, name) == wanted[name] for name in wanted)]
    return paged(found, lambda deployment: context.shapes.deployment(repo, deployment))


def _deployment(repo: Repo, number: int) -> Deployment:
    for deployment in repo.deployments:
        if deployment.id == number:
            return deployment
    raise Refused(404, "Not Found")


def get_deployment(context: Context, repo: Repo, id: int) -> Any:
    return context.shapes.deployment(repo, _deployment(repo, id))


def delete_deployment(context: Context, repo: Repo, id: int) -> Any:
    deployment = _deployment(repo, id)
    state = deployment.statuses[-1].state if deployment.statuses else ""
    if state in ("success", "in_progress", "queued", "pending") and len(repo.deployments) > 1:
        words = "We cannot delete an active deployment unless it is the only deployment in a given environment."
        raise Refused(422, words)
    repo.deployments.remove(deployment)
    return Answer(204)


def create_deployment_status(context: Context, repo: Repo, id: int) -> Any:
    deployment = _deployment(repo, id)
    (state,) = context.need("state")
    body = context.body
    description = body.get("description") or ""
    if state not in _STATES:
        raise invalid({"resource": "DeploymentStatus", "field": "state", "code": "custom"})
    if len(description) > LONGEST_DESCRIPTION:
        words = f"description is too long (maximum is {LONGEST_DESCRIPTION} characters)"
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
    context.happenings.tell(
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
    return Answer(201, shape)


def list_deployment_statuses(context: Context, repo: Repo, id: int) -> Any:
    deployment = _deployment(repo, id)
    newest_first = list(reversed(deployment.statuses))
    return paged(newest_first, lambda status: context.shapes.deployment_status(repo, deployment, status))


_REPO = "/repos/{owner}/{repo}"
ROUTES = [
    Route("POST", f"{_REPO}/check-runs", create_check, "checks", "write"),
    Route("PATCH", f"{_REPO}/check-runs/{{id}}", update_check, "checks", "write"),
    Route("GET", f"{_REPO}/check-runs/{{id}}", get_check, "checks", "read"),
    Route("GET", f"{_REPO}/check-runs/{{id}}/annotations", list_annotations, "checks", "read"),
    Route("GET", f"{_REPO}/commits/{{ref}}/check-runs", list_checks, "checks", "read"),
    Route("POST", f"{_REPO}/statuses/{{sha}}", create_status, "statuses", "write"),
    Route("GET", f"{_REPO}/commits/{{ref}}/status", combined_status, "statuses", "read"),
    Route("POST", f"{_REPO}/deployments", create_deployment, "deployments", "write"),
    Route("GET", f"{_REPO}/deployments", list_deployments, "deployments", "read"),
    Route("GET", f"{_REPO}/deployments/{{id}}", get_deployment, "deployments", "read"),
    Route("DELETE", f"{_REPO}/deployments/{{id}}", delete_deployment, "deployments", "write"),
    Route("POST", f"{_REPO}/deployments/{{id}}/statuses", create_deployment_status, "deployments", "write"),
    Route("GET", f"{_REPO}/deployments/{{id}}/statuses", list_deployment_statuses, "deployments", "read"),
]
