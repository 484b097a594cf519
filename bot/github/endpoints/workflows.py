"""Runs of Actions workflows."""

from __future__ import annotations

from bot.domain.names import BranchName, RepoName
from bot.domain.values import Wire
from bot.github.client import Client
from bot.github.endpoints import path_of
from bot.github.errors import GitHubError


class WorkflowRun(Wire, frozen=True):
    """A run that a dispatch started."""

    workflow_run_id: int
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
    body = {"ref": ref, "inputs": inputs, "return_run_details": True}
    return client.post(path, WorkflowRun | None, body)  # type: ignore[arg-type]  # a union is what msgspec takes
