"""Serve the web pages: repositories, a pull request with its Merge button and comment box, a run's log.

Their visitor acts as the sandbox's user. Only requests from these pages may change anything.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cmarkgfm
import nh3
from cmarkgfm.cmark import Options
from flask import Flask, Response, abort, redirect, render_template, request, send_from_directory
from markupsafe import Markup

from bot.domain.names import CommitSha
from sandbox.api import Api, Context
from sandbox.app_records import Token
from sandbox.records import CheckRun, Pull, Repo
from sandbox.rest_comments import comment_on
from sandbox.state import ApiError

PERSON = "owner"
_HERE = Path(__file__).parent
_TAGS = nh3.ALLOWED_TAGS | {"details", "summary", "input"}
_ATTRIBUTES = {"code": {"class"}, "td": {"align"}, "details": {"open"}}
_DIFF_LINE = re.compile(r"^([+-@]).*$", re.MULTILINE)
_DIFF_BLOCK = re.compile(r'(<pre><code class="language-diff">)(.*?)(</code></pre>)', re.DOTALL)


def render_markdown(text: str) -> Markup:
    """GitHub Flavored Markdown as sanitised HTML."""
    html = cmarkgfm.github_flavored_markdown_to_html(text or "", options=Options.CMARK_OPT_UNSAFE)
    html = re.sub(r'<pre lang="([\w-]+)"><code>', r'<pre><code class="language-\1">', html)
    clean = nh3.clean(html, tags=_TAGS, attributes=nh3.ALLOWED_ATTRIBUTES | _ATTRIBUTES)
    return Markup(_DIFF_BLOCK.sub(_colour, clean))  # noqa: S704 - nh3 has cleaned it


def _colour(block: re.Match[str]) -> str:
    kinds = {"+": "added", "-": "removed", "@": "place"}

    def line(found: re.Match[str]) -> str:
        return (
            f'<span class="{kinds[found.group(1)]}">{found.group(0)}</span>' if found.group(1) in kinds else found[0]
        )

    return block.group(1) + _DIFF_LINE.sub(line, block.group(2)) + block.group(3)


def register(flask: Flask, api: Api) -> None:
    """Serve the pages."""
    flask.template_folder = str(_HERE / "templates")
    flask.jinja_env.filters["markdown"] = render_markdown
    for rule, (method, show) in _PAGES.items():
        flask.add_url_rule(rule, rule, view(api, rule, show), methods=[method])


def view(api: Api, rule: str, show: Callable[..., Any], *, from_anywhere: bool = False) -> Callable[..., Any]:
    """A view that calls `show`. A POST is only accepted from these pages, unless `from_anywhere`."""

    def shown(**arguments: Any) -> Any:
        start = time.monotonic()
        if request.method == "POST" and not from_anywhere and not _is_same_origin():
            abort(403)
        try:
            with api.state.lock:
                answer = show(api, **arguments)
        except ApiError as problem:
            answer = Response(problem.message, problem.status)
        api.log("page", route=rule, status=getattr(answer, "status_code", 200), start=start)
        return answer

    return shown


def _show_index(api: Api) -> Any:
    return render_template("index.html", repos=list(api.state.repos.values()))


def _show_style(_hub: Api) -> Any:
    return send_from_directory(_HERE / "static", "github.css")


def _show_pull(api: Api, owner: str, name: str, number: int) -> Any:
    repo, pull = _find(api, owner, name, number)
    return render_template("pull.html", repo=repo, pull=pull, **_details(api, repo, pull))


def _merge(api: Api, owner: str, name: str, number: int) -> Any:
    repo, pull = _find(api, owner, name, number)
    api.effects.merge(repo, pull, api.state.user(PERSON))
    return redirect(f"/{repo.full_name}/pull/{number}", 303)


def _comment(api: Api, owner: str, name: str, number: int) -> Any:
    repo, pull = _find(api, owner, name, number)
    text = request.form.get("body", "").strip()
    if text:
        person = Token(api.state.user(PERSON), None, None, None)
        comment_on(Context(api, person, None), repo, pull, text)
    return redirect(f"/{repo.full_name}/pull/{number}", 303)


def _show_run(api: Api, owner: str, name: str, number: int) -> Any:
    repo = api.state.repo(f"{owner}/{name}")
    run = next((run for run in repo.runs if run.id == number), None)
    if run is None:
        raise ApiError(404, "Not Found")
    return render_template("run.html", repo=repo, run=run)


_PULL = "/<owner>/<name>/pull/<int:number>"
_PAGES: dict[str, tuple[str, Callable[..., Any]]] = {
    "/": ("GET", _show_index),
    "/static/github.css": ("GET", _show_style),
    _PULL: ("GET", _show_pull),
    f"{_PULL}/merge": ("POST", _merge),
    f"{_PULL}/comment": ("POST", _comment),
    "/<owner>/<name>/actions/runs/<int:number>": ("GET", _show_run),
}


def _is_same_origin() -> bool:
    """Whether a form of these pages sent the request: the form of another site has another origin."""
    origin = request.headers.get("Origin") or request.headers.get("Referer") or ""
    return urlsplit(origin).netloc == request.host


def _find(api: Api, owner: str, name: str, number: int) -> tuple[Repo, Pull]:
    repo = api.state.repo(f"{owner}/{name}")
    if number not in repo.pulls:
        raise ApiError(404, "Not Found")
    return repo, repo.pulls[number]


def _details(api: Api, repo: Repo, pull: Pull) -> dict[str, Any]:
    """The checks, comments, deployments and files of a pull request."""
    checks: dict[str, CheckRun] = {run.name: run for run in repo.checks if run.head_sha == pull.head_sha}
    fork = repo.git.merge_base(pull.base_sha, pull.head_sha)
    files = [
        (path, repo.git.pin_at(fork or "", path), repo.git.pin_at(pull.head_sha, path))
        for path in repo.git.changed_files(fork, CommitSha(pull.head_sha))
    ]
    return {
        "checks": list(checks.values()),
        "comments": [c for c in repo.comments.values() if c.number == pull.number],
        "deployments": [d for d in repo.deployments if d.sha == pull.merge_commit_sha],
        "files": files,
        "counts": api.effects.count_changes(repo, pull),
    }
