"""Dispatch workflows, list and cancel their runs. A run waits until a runner with its labels claims the job."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from flask import request
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sandbox.api import ApiResponse, Context, Route, paged
from sandbox.records import Repo, Run
from sandbox.rest_environments import refuses_without_deployment
from sandbox.state import ApiError

MAX_INPUTS_LENGTH = 65_535  # characters in all (workflow syntax, on.workflow_dispatch.inputs)
MAX_INPUTS = 25
FOLDER = ".github/workflows"


def _read_workflow(repo: Repo, ref: str, name: str) -> dict[str, Any]:
    text = repo.git.read_file(f"refs/heads/{ref}", f"{FOLDER}/{name}")
    if text is None:
        raise ApiError(404, "Not Found")
    try:
        return _parse_workflow(text.decode())
    except YAMLError as problem:
        raise ApiError(422, f"Workflow is not valid: {problem}") from None


@cache
def _parse_workflow(text: str) -> dict[str, Any]:
    found = YAML(typ="safe", pure=True).load(text)
    return found if isinstance(found, dict) else {}


def _check_inputs(declared: dict[str, Any], given: dict[str, Any]) -> None:
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise ApiError(422, f"Unexpected inputs provided: {json.dumps(unknown)}")
    for name, spec in declared.items():
        if (spec or {}).get("required") and name not in given and "default" not in spec:
            raise ApiError(422, f"Required input '{name}' not provided")
    if len(given) > MAX_INPUTS or sum(len(str(value)) for value in given.values()) > MAX_INPUTS_LENGTH:
        raise ApiError(422, "inputs are too large")


def dispatch(context: Context, repo: Repo, workflow: str) -> Any:
    (ref,) = context.need("ref")
    ref = str(ref).removeprefix("refs/heads/")
    if "return_run_details" in context.body and not context.state.behaviours.knows_run_details:
        raise ApiError(422, 'Invalid request.\n\n"return_run_details" is not a permitted key.')
    _read_workflow(repo, repo.default_branch, workflow)  # it has to be on the default branch, too
    if workflow in repo.disabled:
        raise ApiError(422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow")
    heads = repo.heads()
    if ref not in heads:
        raise ApiError(422, f"No ref found for: {ref}")
    found = _read_workflow(repo, ref, workflow)
    triggers = found.get("on") or {}
    if not isinstance(triggers, dict) or "workflow_dispatch" not in triggers:
        raise ApiError(422, "Workflow does not have 'workflow_dispatch' trigger")
    declared = (triggers["workflow_dispatch"] or {}).get("inputs") or {}
    inputs = {name: str(value) for name, value in (context.body.get("inputs") or {}).items()}
    _check_inputs(declared, inputs)
    inputs = {name: str((spec or {}).get("default", "")) for name, spec in declared.items()} | inputs
    job: dict[str, Any] = next(iter((found.get("jobs") or {}).values()), {})
    event = {
        "inputs": inputs,
        "ref": f"refs/heads/{ref}",
        "workflow": f"{FOLDER}/{workflow}",
        "repository": context.shapes.repository(repo),
        "sender": context.shapes.user(context.user),
    }
    run = Run(
        id=context.state.new_id(),
        job_id=context.state.new_id(),
        workflow=workflow,
        name=str(found.get("name", workflow)),
        title=_fill(str(found.get("run-name", found.get("name", workflow))), inputs),
        ref=ref,
        sha=heads[ref],
        labels=_labels(job, inputs),
        event=event,
        actor=context.user,
        permissions=dict(job.get("permissions") or found.get("permissions") or {"contents": "read"}),
    )
    repo.runs.append(run)
    context.effects.send(
        "workflow_dispatch", repo, context.user, inputs=inputs, ref=event["ref"], workflow=event["workflow"]
    )
    context.state.changed.notify_all()
    if repo.dispatch_forbidden:  # evaluated before a workflow runs: the run fails without a job
        said = f"is not allowed to trigger Actions workflows. Workflow file: '{FOLDER}/{workflow}'."
        end_run(context, repo, run, "startup_failure", f"Event 'workflow_dispatch' {said}")
    elif refuses_without_deployment(repo, inputs.get("node", "")):
        end_run(context, repo, run, "failure")
    if context.body.get("return_run_details"):
        return context.shapes.run_links(repo, run)
    return ApiResponse(204)


def _fill(text: str, inputs: dict[str, str]) -> str:
    """`text` with the inputs that its expressions name."""
    return re.sub(r"\$\{\{\s*inputs\.(\w+)\s*\}\}", lambda found: inputs.get(found[1], ""), text)


def _labels(job: dict[str, Any], inputs: dict[str, str]) -> tuple[str, ...]:
    """The labels in `runs-on`. Of expressions only the one that fleets use is evaluated: fromJSON(inputs.NAME)."""
    wanted = job.get("runs-on")
    if wanted is None:
        # The job calls a reusable workflow, which gets the labels as an input.
        wanted = (job.get("with") or {}).get("labels", "[]")
    if isinstance(wanted, list):
        return tuple(str(label) for label in wanted)
    words = str(wanted).strip()
    if "inputs." in words:
        name = words.split("inputs.")[1].split(")")[0].split("}")[0].strip()
        return tuple(json.loads(inputs.get(name, "[]")))
    return (words,)


def run_shape(context: Context, repo: Repo, run: Run) -> dict[str, Any]:
    """workflow-run."""
    base = f"{context.shapes.api}/repos/{repo.full_name}/actions"
    url = f"{base}/runs/{run.id}"
    head = {
        "id": run.sha,
        "tree_id": run.sha,
        "message": "",
        "timestamp": run.created_at,
        "author": {"name": run.actor.login, "email": ""},
        "committer": {"name": run.actor.login, "email": ""},
    }
    return {
        "id": run.id,
        "name": run.name,
        "node_id": f"WFR_{run.id}",
        "check_suite_id": run.id,
        "check_suite_node_id": f"CS_{run.id}",
        "head_branch": run.ref,
        "head_sha": run.sha,
        "path": f"{FOLDER}/{run.workflow}",
        "run_number": 1,
        "run_attempt": 1,
        "event": "workflow_dispatch",
        "display_title": run.title,
        "status": run.status,
        "conclusion": run.conclusion,
        "workflow_id": 1,
        "url": url,
        "html_url": f"{context.shapes.url}/{repo.full_name}/actions/runs/{run.id}",
        "pull_requests": [],
        "created_at": run.created_at,
        "updated_at": run.created_at,
        "run_started_at": run.created_at,
        "actor": context.shapes.user(run.actor),
        "triggering_actor": context.shapes.user(run.actor),
        "jobs_url": f"{url}/jobs",
        "logs_url": f"{url}/logs",
        "check_suite_url": f"{url}/check-suite",
        "artifacts_url": f"{url}/artifacts",
        "cancel_url": f"{url}/cancel",
        "rerun_url": f"{url}/rerun",
        "previous_attempt_url": None,
        "workflow_url": f"{base}/workflows/{run.workflow}",
        "head_commit": head,
        "repository": context.shapes.repository(repo),
        "head_repository": context.shapes.repository(repo),
    }


def list_runs(context: Context, repo: Repo) -> Any:
    wanted = request.args.get("actor", "")
    found = [run for run in reversed(repo.runs) if wanted in ("", run.actor.login)]
    page = paged(found, lambda run: run_shape(context, repo, run))
    return ApiResponse(200, {"total_count": len(found), "workflow_runs": page.body}, page.headers)


def get_run(context: Context, repo: Repo, id: int) -> Any:
    return run_shape(context, repo, _run(repo, id))


def _run(repo: Repo, number: int) -> Run:
    for run in repo.runs:
        if run.id == number:
            return run
    raise ApiError(404, "Not Found")


def cancel_run(context: Context, repo: Repo, id: int) -> Any:
    run = _run(repo, id)
    if run.status == "completed":
        raise ApiError(409, "Cannot cancel a workflow run that is completed.")
    if run.status == "queued":  # one in progress is ended by its runner
        end_run(context, repo, run, "cancelled")
    return ApiResponse(202, {})


def end_run(context: Context, repo: Repo, run: Run, conclusion: str, log: str = "") -> None:
    """End the run and send its webhook."""
    run.status, run.conclusion, run.log = "completed", conclusion, log
    shape = run_shape(context, repo, run)
    context.effects.send("workflow_run", repo, run.actor, action="completed", workflow_run=shape, workflow=None)
    context.state.changed.notify_all()


_REPO = "/repos/{owner}/{repo}"
ROUTES = [
    Route("POST", f"{_REPO}/actions/workflows/{{workflow}}/dispatches", dispatch, "actions", "write"),
    Route("GET", f"{_REPO}/actions/runs", list_runs, "actions", "read"),
    Route("GET", f"{_REPO}/actions/runs/{{id}}", get_run, "actions", "read"),
    Route("POST", f"{_REPO}/actions/runs/{{id}}/cancel", cancel_run, "actions", "write"),
]
