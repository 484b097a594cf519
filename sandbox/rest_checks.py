"""Check runs and commit statuses."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import request

from sandbox import merge_queue
from sandbox.api import ApiResponse, Context, Route, invalid, paged
from sandbox.app_records import AppRecord
from sandbox.commits import commit_shape, resolve
from sandbox.records import CheckRun, CommitStatus, Repo, iso_now
from sandbox.rest_people import auto_merge_if_ready
from sandbox.state import ApiError

MAX_OUTPUT_LENGTH = 65_535  # bytes of a check run's summary and of its text (github/docs#35252)
MAX_ANNOTATIONS = 50  # per request
MAX_ACTIONS = 3


def _own_app(context: Context) -> AppRecord:
    if context.token is not None and context.token.job:
        return context.state.actions_app()
    installation = context.token.installation if context.token else None
    if installation is None:
        raise ApiError(403, "You must authenticate via a GitHub App.")
    return installation.app


def _check_output(output: dict[str, Any]) -> None:
    for name in ("summary", "text"):
        if len((output.get(name) or "").encode()) > MAX_OUTPUT_LENGTH:
            words = f"{name} exceeds a maximum bytesize of {MAX_OUTPUT_LENGTH}"
            raise invalid({"resource": "CheckRun", "code": "custom", "field": name, "message": words})
    if len(output.get("annotations") or []) > MAX_ANNOTATIONS:
        raise ApiError(
            422, f"Invalid request.\n\nNo more than {MAX_ANNOTATIONS} items are allowed; too many annotations"
        )
    for one in output.get("annotations") or []:
        if not {"path", "start_line", "end_line", "annotation_level", "message"} <= set(one):
            raise ApiError(422, "Invalid request.\n\nan annotation lacks a required field")


def _check_actions(actions: list[dict[str, str]]) -> None:
    """Refuse more than three buttons, and too long texts of one (REST: checks/create)."""
    limits = {"label": 20, "description": 40, "identifier": 20}
    if len(actions) > MAX_ACTIONS:
        raise ApiError(422, f"Invalid request.\n\nNo more than {MAX_ACTIONS} items are allowed; too many actions")
    for action in actions:
        for name, limit in limits.items():
            if not 1 <= len(action.get(name, "")) <= limit:
                raise ApiError(422, f"Invalid request.\n\n{name} must have 1 to {limit} characters")


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
        raise ApiError(422, "No commit found for SHA")
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
    _send_check(context, repo, run, "created")
    _merge_waiting(context, repo, head)
    return ApiResponse(201, context.shapes.check_run(repo, run))


def _merge_waiting(context: Context, repo: Repo, sha: str) -> None:
    for pull in [pull for pull in repo.pulls.values() if pull.head_sha == sha]:
        auto_merge_if_ready(context, repo, pull)
    merge_queue.follow(context.effects, repo, sha)


def _send_check(context: Context, repo: Repo, run: CheckRun, action: str) -> None:
    shape = context.shapes.check_run(repo, run) | {"check_suite": context.shapes.check_suite(repo, run)}
    context.effects.send("check_run", repo, context.user, action=action, check_run=shape)
    context.state.changed.notify_all()


def _run(repo: Repo, number: int) -> CheckRun:
    for run in repo.checks:
        if run.id == number:
            return run
    raise ApiError(404, "Not Found")


def update_check(context: Context, repo: Repo, id: int) -> Any:
    run = _run(repo, id)
    if _own_app(context) is not run.app:
        raise ApiError(403, "Invalid app_id `check_run` can only be modified by the GitHub App that created it.")
    before = run.status
    _change(run, context.body)
    if "status" in context.body or "conclusion" in context.body:
        run.rerequested = False
    if run.status == "completed" and before != "completed":
        _send_check(context, repo, run, "completed")
    merge_queue.follow(context.effects, repo, run.head_sha)
    return context.shapes.check_run(repo, run)


def rerequest(context: Context, repo: Repo, run: CheckRun) -> None:
    """Press Re-run: the suite is queued again, and the App is told; the run stays as it is."""
    run.rerequested = True
    shape = context.shapes.check_run(repo, run) | {"check_suite": context.shapes.check_suite(repo, run)}
    context.effects.send("check_run", repo, context.user, only_to=run.app, action="rerequested", check_run=shape)


def rerequest_suite(context: Context, repo: Repo, runs: list[CheckRun]) -> None:
    """Press "Re-run all checks" of one App."""
    for run in runs:
        run.rerequested = True
    links = {"latest_check_runs_count": len(runs), "check_runs_url": context.shapes.api, "rerequestable": True}
    suite = context.shapes.check_suite(repo, runs[0]) | links
    context.effects.send(
        "check_suite", repo, context.user, only_to=runs[0].app, action="rerequested", check_suite=suite
    )


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
    sha, name, app = resolve(repo, ref), request.args.get("check_name"), request.args.get("app_id", type=int)
    latest: dict[tuple[str, int], CheckRun] = {}  # an App's newest run of each name counts
    for run in repo.checks:
        if run.head_sha == sha and name in (None, run.name) and app in (None, run.app.id):
            latest[run.name, run.app.id] = run
    page = paged(list(latest.values()), lambda run: context.shapes.check_run(repo, run))
    return ApiResponse(200, {"total_count": len(latest), "check_runs": page.body}, page.headers)


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
    context.effects.send(
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
    _merge_waiting(context, repo, status.sha)
    return ApiResponse(201, context.shapes.status(repo, status))


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


_REPO = "/repos/{owner}/{repo}"
ROUTES = [
    Route("POST", f"{_REPO}/check-runs", create_check, "checks", "write"),
    Route("PATCH", f"{_REPO}/check-runs/{{id}}", update_check, "checks", "write"),
    Route("GET", f"{_REPO}/check-runs/{{id}}", get_check, "checks", "read"),
    Route("GET", f"{_REPO}/check-runs/{{id}}/annotations", list_annotations, "checks", "read"),
    Route("GET", f"{_REPO}/commits/{{ref}}/check-runs", list_checks, "checks", "read"),
    Route("POST", f"{_REPO}/statuses/{{sha}}", create_status, "statuses", "write"),
    Route("GET", f"{_REPO}/commits/{{ref}}/status", combined_status, "statuses", "read"),
]
