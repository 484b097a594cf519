"""Runs of Actions workflows."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.domain.names import BranchName, RepoName
from bot.domain.values import Wire
from bot.github.client import Client
from bot.github.endpoints import path_of
from bot.github.errors import GitHubError

RUN_DETAILS = "return_run_details"  # a parameter of dispatches since 2026
RUNS_LOOKED_AT = 50


class WorkflowRun(Wire, frozen=True):
    """A run that a dispatch started."""

    workflow_run_id: int
    html_url: str


class DispatchedRun(Wire, frozen=True):
    """A run in the list of a repository's runs. `display_title` is what the workflow's `run-name` came to."""

    display_title: str
    html_url: str


class RunState(Wire, frozen=True):
    """`status`: queued, waiting (for an approval), pending, in_progress, completed, ..."""

    status: str
    conclusion: str | None = None


def find_run_state(client: Client, repo: RepoName, run: int) -> RunState | None:
    """The state of a workflow run; None when it is gone."""
    return client.find(path_of(repo, "actions/runs", run), RunState)


def cancel_run(client: Client, repo: RepoName, run: int) -> None:
    """Cancel a workflow run; one that has ended, or is gone, is fine."""
    try:
        client.send("POST", path_of(repo, "actions/runs", run, "cancel"))
    except GitHubError as problem:
        if problem.status not in (404, 409):  # 409: "Cannot cancel a workflow run that is completed"
            raise


def dispatch_workflow(
    client: Client, repo: RepoName, *, workflow: str, ref: BranchName, inputs: dict[str, str]
) -> WorkflowRun | None:
    """Start `workflow` on branch `ref`. Returns the run, or None from a server that does not name it."""
    path = path_of(repo, "actions/workflows", workflow, "dispatches")
    body: dict[str, object] = {"ref": ref, "inputs": inputs}
    if not client.memory.refuses(RUN_DETAILS):
        try:
            return client.post(path, WorkflowRun | None, body | {RUN_DETAILS: True})  # type: ignore[arg-type]  # a union is what msgspec takes
        except GitHubError as problem:
            if problem.status != 422 or RUN_DETAILS not in problem.message:
                raise
            client.memory.note_refusal(RUN_DETAILS)  # GitHub Enterprise Server up to 3.19
    client.send("POST", path, body)
    return None


def find_dispatched_runs(client: Client, repo: RepoName, *, login: str, since: int) -> tuple[DispatchedRun, ...]:
    """The newest runs that `login` dispatched after `since` (seconds since the epoch)."""
    created = datetime.fromtimestamp(since, UTC).strftime(">=%Y-%m-%dT%H:%M:%SZ")
    query = {"event": "workflow_dispatch", "actor": login, "created": created}
    path = path_of(repo, "actions/runs")
    return client.list(path, DispatchedRun, within="workflow_runs", most=RUNS_LOOKED_AT, query=query)
