"""Pages of what goes on in a repository: issues, checks, runs of workflows, deployments and runners."""

from __future__ import annotations

from typing import Any

from flask import Flask, redirect, render_template

from sandbox.api import Api
from sandbox.pages import Pages, add_pages
from sandbox.state import ApiError


def _show_issues(api: Api, owner: str, name: str) -> Any:
    return render_template("issues.html", repo=api.state.repo(f"{owner}/{name}"), tab="issues")


def _show_issue(api: Api, owner: str, name: str, number: int) -> Any:
    repo = api.state.repo(f"{owner}/{name}")
    if number in repo.pulls:
        return redirect(f"/{repo.full_name}/pull/{number}", 302)
    if number not in repo.issues:
        raise ApiError(404, "Not Found")
    return render_template("issue.html", repo=repo, issue=repo.issues[number], tab="issues")


def _show_check(api: Api, owner: str, name: str, number: int) -> Any:
    repo = api.state.repo(f"{owner}/{name}")
    check = next((run for run in repo.checks if run.id == number), None)
    if check is None:
        raise ApiError(404, "Not Found")
    pull = next((one.number for one in repo.pulls.values() if one.head_sha == check.head_sha), None)
    return render_template("check.html", repo=repo, check=check, pull=pull, tab="actions")


def _show_runs(api: Api, owner: str, name: str) -> Any:
    return render_template("runs.html", repo=api.state.repo(f"{owner}/{name}"), tab="actions")


def _show_run(api: Api, owner: str, name: str, number: int, job: int = 0) -> Any:
    repo = api.state.repo(f"{owner}/{name}")
    run = next((run for run in repo.runs if run.id == number and job in (0, run.job_id)), None)
    if run is None:
        raise ApiError(404, "Not Found")
    return render_template("run.html", repo=repo, run=run, tab="actions")


def _show_deployments(api: Api, owner: str, name: str) -> Any:
    return render_template("deployments.html", repo=api.state.repo(f"{owner}/{name}"), tab="deployments")


def _show_runners(api: Api, owner: str, name: str) -> Any:
    repo = api.state.repo(f"{owner}/{name}")
    return render_template("runners.html", repo=repo, hub=api.shapes.url, tab="runners")


_REPO = "/<owner>/<name>"
_PAGES: Pages = {
    ("GET", f"{_REPO}/issues"): _show_issues,
    ("GET", f"{_REPO}/issues/<int:number>"): _show_issue,
    ("GET", f"{_REPO}/runs/<int:number>"): _show_check,
    ("GET", f"{_REPO}/actions"): _show_runs,
    ("GET", f"{_REPO}/actions/runs/<int:number>"): _show_run,
    ("GET", f"{_REPO}/actions/runs/<int:number>/job/<int:job>"): _show_run,
    ("GET", f"{_REPO}/deployments"): _show_deployments,
    ("GET", f"{_REPO}/deployments/activity_log"): _show_deployments,
    ("GET", f"{_REPO}/settings/actions/runners"): _show_runners,
    ("GET", f"{_REPO}/settings/actions/runners/new"): _show_runners,
}


def register(flask: Flask, api: Api) -> None:
    """Serve the pages."""
    add_pages(flask, api, _PAGES)
