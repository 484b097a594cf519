"""Pages of pull requests: conversation, commits, changed files; the Merge, Approve and comment buttons."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import Flask, redirect, render_template, request

from bot.domain.names import CommitSha
from sandbox import code_pages
from sandbox.api import Api, Context
from sandbox.app_records import Token
from sandbox.pages import PERSON, Pages, add_pages
from sandbox.records import CheckRun, Pull, Repo
from sandbox.rest_comments import comment_on
from sandbox.rest_people import post_review, press_button
from sandbox.state import ApiError

EMOJI = {
    "+1": "👍",
    "-1": "👎",
    "laugh": "😄",
    "confused": "😕",
    "heart": "❤️",
    "hooray": "🎉",
    "rocket": "🚀",
    "eyes": "👀",
}
_MOST_COMMITS = 250


def person(api: Api) -> Context:
    """What the visitor does is done as the sandbox's user."""
    return Context(api, Token(api.state.user(PERSON), None, None, None), None)


def _find(api: Api, owner: str, name: str, number: int) -> tuple[Repo, Pull]:
    repo = api.state.repo(f"{owner}/{name}")
    if number not in repo.pulls:
        raise ApiError(404, "Not Found")
    return repo, repo.pulls[number]


def _show_pulls(api: Api, owner: str, name: str) -> Any:
    repo = api.state.repo(f"{owner}/{name}")
    return render_template("pulls.html", repo=repo, tab="pulls")


def _show_pull(api: Api, owner: str, name: str, number: int) -> Any:
    repo, pull = _find(api, owner, name, number)
    return render_template("pull.html", repo=repo, pull=pull, tab="pulls", **_details(api, repo, pull))


def _show_commits(api: Api, owner: str, name: str, number: int) -> Any:
    repo, pull = _find(api, owner, name, number)
    fork = repo.git.merge_base(pull.base_sha, pull.head_sha)
    commits = repo.git.commits_between(fork, CommitSha(pull.head_sha), most=_MOST_COMMITS)
    title = f"Commits of #{pull.number}"
    return render_template("commits.html", repo=repo, commits=commits, title=title, ref="", tab="pulls")


def _show_files(api: Api, owner: str, name: str, number: int) -> Any:
    repo, pull = _find(api, owner, name, number)
    fork = repo.git.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
    return code_pages.render_comparison(api, repo, fork, pull.head_sha, title=f"{pull.title} #{pull.number}")


def _merge(api: Api, owner: str, name: str, number: int) -> Any:
    repo, pull = _find(api, owner, name, number)
    api.effects.merge(repo, pull, api.state.user(PERSON))
    return _back(repo, pull)


def _comment(api: Api, owner: str, name: str, number: int) -> Any:
    repo, pull = _find(api, owner, name, number)
    text = request.form.get("body", "").strip()
    if text:
        comment_on(person(api), repo, pull, text)
    return _back(repo, pull)


def _approve(api: Api, owner: str, name: str, number: int) -> Any:
    repo, pull = _find(api, owner, name, number)
    post_review(person(api), repo, pull, "APPROVE", "")
    return _back(repo, pull)


def _press(api: Api, owner: str, name: str, number: int) -> Any:
    repo, pull = _find(api, owner, name, number)
    wanted = request.form.get("check", "")
    run = next((one for one in repo.checks if str(one.id) == wanted and one.head_sha == pull.head_sha), None)
    if run is None:
        raise ApiError(404, "Not Found")
    press_button(person(api), repo, run, request.form.get("action", ""), api.state.user(PERSON))
    return _back(repo, pull)


def _back(repo: Repo, pull: Pull) -> Any:
    return redirect(f"/{repo.full_name}/pull/{pull.number}", 303)


def _details(api: Api, repo: Repo, pull: Pull) -> dict[str, Any]:
    """The checks, comments, reviews, deployments and files of a pull request."""
    checks: dict[str, CheckRun] = {run.name: run for run in repo.checks if run.head_sha == pull.head_sha}
    fork = repo.git.merge_base(pull.base_sha, pull.head_sha)
    files = [
        (path, repo.git.pin_at(fork or "", path), repo.git.pin_at(pull.head_sha, path))
        for path in repo.git.changed_files(fork, CommitSha(pull.head_sha))
    ]
    comments = [c for c in repo.comments.values() if c.number == pull.number]
    return {
        "checks": list(checks.values()),
        "comments": comments,
        "reactions": {one.id: _count(one.reactions) for one in comments},
        "deployments": [d for d in repo.deployments if d.sha == pull.merge_commit_sha],
        "files": files,
        "counts": api.effects.count_changes(repo, pull),
        "own": pull.user.login == PERSON,
    }


def _count(reactions: list[tuple[str, str]]) -> list[tuple[str, str, int]]:
    """Each reaction's character and name, and how many people gave it."""
    counted = Counter(content for _, content in reactions)
    return [(EMOJI[content], content, number) for content, number in counted.items()]


_PULL = "/<owner>/<name>/pull/<int:number>"
_PAGES: Pages = {
    ("GET", "/<owner>/<name>/pulls"): _show_pulls,
    ("GET", _PULL): _show_pull,
    ("GET", f"{_PULL}/commits"): _show_commits,
    ("GET", f"{_PULL}/files"): _show_files,
    ("POST", f"{_PULL}/merge"): _merge,
    ("POST", f"{_PULL}/comment"): _comment,
    ("POST", f"{_PULL}/approve"): _approve,
    ("POST", f"{_PULL}/press"): _press,
}


def register(flask: Flask, api: Api) -> None:
    """Serve the pages."""
    add_pages(flask, api, _PAGES)
