"""Serve web pages: Markdown, errors, the list of repositories, and what every page needs.

Their visitor acts as the sandbox's user. Only requests from these pages may change anything. The pages themselves are
in `code_pages`, `pull_pages`, `work_pages`, `account_pages`, `registration` and `authorization`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cmarkgfm
import nh3
from cmarkgfm.cmark import Options
from flask import Flask, Response, abort, redirect, render_template, request, send_from_directory
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from sandbox.api import PREFIX, Api, as_json
from sandbox.state import ApiError, Moved

PERSON = "owner"
_HERE = Path(__file__).parent
_TAGS = nh3.ALLOWED_TAGS | {"details", "summary", "input"}
_ATTRIBUTES = nh3.ALLOWED_ATTRIBUTES | {
    "code": {"class"},
    "td": {"align"},
    "details": {"open"},
    "input": {"type", "checked", "disabled"},
}
_DIFF_LINE = re.compile(r"^([+-@]).*$", re.MULTILINE)
_DIFF_BLOCK = re.compile(r'(<pre><code class="language-diff">)(.*?)(</code></pre>)', re.DOTALL)
_MACHINES = (f"{PREFIX}/", "/api/", "/_runner/")  # paths that no browser opens

Pages = Mapping[tuple[str, str], Callable[..., Any]]
"""Views by method and rule."""


def render_markdown(text: str) -> Markup:
    """GitHub Flavored Markdown as sanitised HTML. What is wider than a phone scrolls by itself, also by keys."""
    html = cmarkgfm.github_flavored_markdown_to_html(text or "", options=Options.CMARK_OPT_UNSAFE)
    html = re.sub(r'<pre lang="([\w-]+)"><code>', r'<pre><code class="language-\1">', html)
    clean = _DIFF_BLOCK.sub(_colour, nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES))
    clean = clean.replace("<table>", '<div class="wide" tabindex="0"><table>').replace("</table>", "</table></div>")
    return Markup(clean)  # noqa: S704 - nh3 has cleaned it


def _colour(block: re.Match[str]) -> str:
    kinds = {"+": "added", "-": "removed", "@": "place"}

    def line(found: re.Match[str]) -> str:
        return (
            f'<span class="{kinds[found.group(1)]}">{found.group(0)}</span>' if found.group(1) in kinds else found[0]
        )

    return block.group(1) + _DIFF_LINE.sub(line, block.group(2)) + block.group(3)


def register(flask: Flask, api: Api) -> None:
    """Serve the list of repositories and the style sheet, and answer what is not there."""
    flask.template_folder = str(_HERE / "templates")
    flask.jinja_env.filters["markdown"] = render_markdown
    add_pages(flask, api, _PAGES)
    answer_unknown_paths(flask, api)


def add_pages(flask: Flask, api: Api, pages: Pages) -> None:
    """Serve `pages`."""
    for (method, rule), show in pages.items():
        flask.add_url_rule(rule, f"{method} {rule}", view(api, rule, show), methods=[method])


def answer_unknown_paths(flask: Flask, api: Api) -> None:
    """Answer unknown paths with 404: a page for a browser, GitHub's JSON for a program."""

    @flask.errorhandler(HTTPException)
    def not_found(problem: HTTPException) -> Response:
        status = problem.code or 500
        if _is_for_browser():
            return _error_page(status, problem.description or problem.name)
        body = {"message": "Not Found", "documentation_url": f"{api.shapes.url}/docs", "status": "404"}
        return as_json(status, body)


def _is_for_browser() -> bool:
    return "text/html" in request.headers.get("Accept", "") and not request.path.startswith(_MACHINES)


def _error_page(status: int, message: str) -> Response:
    return Response(render_template("error.html", status=status, message=message), status)


def view(api: Api, rule: str, show: Callable[..., Any], *, from_anywhere: bool = False) -> Callable[..., Any]:
    """A view that calls `show`. A POST is only accepted from these pages, unless `from_anywhere`."""

    def shown(**arguments: Any) -> Any:
        start = time.monotonic()
        if request.method == "POST" and not from_anywhere and not _is_same_origin():
            abort(403)
        try:
            with api.state.lock:
                answer = show(api, **arguments)
        except Moved as moved:
            answer = redirect(request.full_path.rstrip("?").replace(moved.before, moved.now, 1), 301)
        except ApiError as problem:
            words = "; ".join([problem.message, *(_words(one) for one in problem.errors or ())])
            answer = _error_page(problem.status, words) if _is_for_browser() else Response(words, problem.status)
        api.log("page", route=rule, status=getattr(answer, "status_code", 200), start=start)
        return answer

    return shown


def _words(error: Any) -> str:
    return str(error.get("message") or error.get("code") or error) if isinstance(error, dict) else str(error)


def _show_index(api: Api) -> Any:
    return render_template("index.html", repos=list(api.state.repos.values()))


def _show_style(_hub: Api) -> Any:
    return send_from_directory(_HERE / "static", "github.css")


def _show_docs(_hub: Api) -> Any:
    return render_template("docs.html")


_PAGES: Pages = {
    ("GET", "/"): _show_index,
    ("GET", "/docs"): _show_docs,
    ("GET", "/static/github.css"): _show_style,
}


def _is_same_origin() -> bool:
    """Whether a form of these pages sent the request: the form of another site has another origin."""
    origin = request.headers.get("Origin") or request.headers.get("Referer") or ""
    return urlsplit(origin).netloc == request.host
