"""Repositories, their contents and branches."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urljoin

from flask import request

from bot.git.git import GITLINK, TreeEntry
from bot.git.gitmodules import parse_gitmodules
from sandbox.api import Context, Route
from sandbox.commits import commit_shape, resolve
from sandbox.records import Repo
from sandbox.state import ApiError


def get_repo(context: Context, repo: Repo) -> Any:
    return context.shapes.full_repository(repo)


def get_contents(context: Context, repo: Repo, path: str = "") -> Any:
    commit = resolve(repo, request.args.get("ref", repo.default_branch))
    entry = repo.git.entry(commit, path)
    if entry is None:
        raise ApiError(404, "Not Found")
    if entry.kind == "tree":
        return [_content(context, repo, commit, one) for one in repo.git.list_tree(commit, f"{path}/")]
    found = _content(context, repo, commit, entry)
    if entry.kind == "blob":
        data = repo.git.read_file(commit, path) or b""
        found |= {"content": base64.b64encode(data).decode(), "encoding": "base64"}
    if entry.mode == GITLINK:
        found |= {"type": "submodule", "submodule_git_url": submodule_url(context.shapes.url, repo, commit, path)}
    return found


def submodule_url(server: str, repo: Repo, commit: str, path: str) -> str:
    """The address of the submodule at `path`, in full; `server` is this one's own."""
    text = repo.git.read_file(commit, ".gitmodules") or b""
    stanzas = parse_gitmodules(text.decode("utf-8", "replace")).stanzas
    url = next((stanza.url for stanza in stanzas if stanza.path == path), "")
    return urljoin(f"{server}/{repo.full_name}/", url)


def _content(context: Context, repo: Repo, commit: str, entry: TreeEntry) -> dict[str, Any]:
    base = f"{context.shapes.api}/repos/{repo.full_name}"
    url = f"{base}/contents/{entry.path}?ref={commit}"
    git_url = f"{base}/git/{'trees' if entry.kind != 'blob' else 'blobs'}/{entry.oid}"
    page = f"{context.shapes.url}/{repo.full_name}/blob/{commit}/{entry.path}"
    # API version 2022-11-28 lists a submodule as a file.
    return {
        "type": "dir" if entry.kind == "tree" else "file",
        "size": 0,
        "name": entry.path.split("/")[-1],
        "path": entry.path,
        "sha": entry.oid,
        "url": url,
        "git_url": git_url,
        "html_url": page,
        "download_url": None if entry.kind != "blob" else page,
        "_links": {"git": git_url, "self": url, "html": page},
    }


def get_branch(context: Context, repo: Repo, branch: str) -> Any:
    head = repo.heads().get(branch)
    if head is None:
        raise ApiError(404, "Branch not found")
    base = f"{context.shapes.api}/repos/{repo.full_name}"
    return {
        "name": branch,
        "commit": commit_shape(context, repo, head),
        "_links": {
            "self": f"{base}/branches/{branch}",
            "html": f"{context.shapes.url}/{repo.full_name}/tree/{branch}",
        },
        "protected": False,
        "protection": {"enabled": False},
        "protection_url": f"{base}/branches/{branch}/protection",
    }


def list_activity(context: Context, repo: Repo) -> Any:
    if context.api.state.behaviours.without_activity:
        raise ApiError(404, "Not Found")
    ref = request.args.get("ref")
    found = [one for one in reversed(repo.activities) if ref in (None, one.ref)]
    return [
        {
            "id": one.id,
            "node_id": f"PSH_{one.id}",
            "before": one.before,
            "after": one.after,
            "ref": one.ref,
            "timestamp": one.timestamp,
            "activity_type": one.kind,
            "actor": context.shapes.user(one.actor),
        }
        for one in found
    ]


ROUTES = [
    Route("GET", "/repos/{owner}/{repo}", get_repo, "metadata", "read"),
    Route("GET", "/repos/{owner}/{repo}/contents/{+path}", get_contents, "contents", "read"),
    Route("GET", "/repos/{owner}/{repo}/branches/{+branch}", get_branch, "contents", "read"),
    Route("GET", "/repos/{owner}/{repo}/activity", list_activity, "contents", "read"),
]
