"""Let a runner claim and finish the jobs of workflow runs. Call with the state's lock held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bot.domain.names import RepoName
from sandbox import access
from sandbox.records import Repo, Run
from sandbox.rest_actions import FOLDER
from sandbox.state import State


class Job(NamedTuple):
    """A job that a runner has claimed."""

    run_id: int
    id: int
    repo: RepoName
    workflow: str  # path of the workflow file in the repository
    ref: str
    inputs: Mapping[str, str]
    event: Mapping[str, object]
    token: str  # GITHUB_TOKEN


def claim(state: State, labels: Sequence[str], timeout: float) -> Job | None:
    """Claim the oldest queued job whose labels are all among `labels`, waiting up to `timeout` seconds."""
    state.changed.wait_for(lambda: _find_queued(state, labels) is not None, timeout)
    found = _find_queued(state, labels)
    if found is None:
        return None
    repo, run = found
    run.status = "in_progress"
    token = access.new_job_token(state, repo, state.user("github-actions[bot]", "Bot"), run.permissions)
    path = f"{FOLDER}/{run.workflow}"
    return Job(run.id, run.job_id, RepoName(repo.full_name), path, run.ref, run.event["inputs"], run.event, token)


def release(state: State, job: Job) -> tuple[Repo, Run]:
    """Revoke the token of a job that has ended; returns its repository and run."""
    repo = state.repo(job.repo)
    state.tokens.pop(job.token, None)
    return repo, next(run for run in repo.runs if run.id == job.run_id)


def _find_queued(state: State, labels: Sequence[str]) -> tuple[Repo, Run] | None:
    own = {label.lower() for label in labels}
    for repo in state.repos.values():
        for run in repo.runs:
            if run.status == "queued" and {label.lower() for label in run.labels} <= own:
                return repo, run
    return None
