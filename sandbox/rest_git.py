"""Commits and the Git database API, answered from the real bare repository."""

from __future__ import annotations

import base64
from typing import Any

from flask import request

from bot.domain.names import CommitSha
from bot.git.git import GITLINK, GitError, TreeEntry
from sandbox.api import ApiResponse, Context, Route, invalid
from sandbox.commits import commit_shape, git_commit_shape, resolve
from sandbox.effects import signature
from sandbox.records import Repo
from sandbox.state import ApiError

_MODES = {"100644": "blob", "100755": "blob", "120000": "blob", "040000": "tree", GITLINK: "commit"}


def get_git_commit(context: Context, repo: Repo, sha: str) -> Any:
    if repo.git.resolve(sha) is None:
        raise ApiError(404, "Not Found")
    return git_commit_shape(context, repo, sha)


def get_commit(context: Context, repo: Repo, ref: str) -> Any:
    sha = resolve(repo, ref)
    stats = {"total": 0, "additions": 0, "deletions": 0}
    return commit_shape(context, repo, sha) | {"stats": stats, "files": []}


def create_tree(context: Context, repo: Repo) -> Any:
    (entries,) = context.need("tree")
    base = context.body.get("base_tree")
    index = str(repo.git.git_dir / f"index-{context.state.new_id()}")
    environment = {"GIT_INDEX_FILE": index}
    try:
        if base:
            repo.git.run("read-tree", f"{base}^{{tree}}", environment=environment)
        lines = "".join(_index_line(_with_blob(repo, entry)) for entry in entries)
        repo.git.run("update-index", "--index-info", environment=environment, stdin=lines.encode())
        tree = repo.git.run("write-tree", environment=environment).decode().strip()
    except GitError as problem:
        raise invalid({"message": str(problem)}) from None
    finally:
        repo.git.git_dir.joinpath(index).unlink(missing_ok=True)
    url = f"{context.shapes.api}/repos/{repo.full_name}/git/trees/{tree}"
    listed = [_tree_entry(context, repo, entry) for entry in repo.git.list_tree(tree)]
    return ApiResponse(201, {"sha": tree, "url": url, "tree": listed, "truncated": False})


def _with_blob(repo: Repo, entry: dict[str, Any]) -> dict[str, Any]:
    """`entry` with the blob of its `content`, if it has one (create a tree: either `sha` or `content`)."""
    if "content" not in entry:
        return entry
    if "sha" in entry or _MODES.get(str(entry.get("mode"))) != "blob":
        raise invalid({"message": "Must supply either tree.sha or tree.content", "code": "invalid"})
    blob = repo.git.run("hash-object", "-w", "--stdin", stdin=str(entry["content"]).encode()).decode().strip()
    return entry | {"sha": blob}


def _index_line(entry: dict[str, Any]) -> str:
    mode, path, sha = str(entry.get("mode")), str(entry.get("path", "")), entry.get("sha")
    if mode not in _MODES or not path or "\n" in path or path.startswith("/") or ".." in path.split("/"):
        raise invalid({"message": "tree.mode or tree.path is not valid", "code": "invalid"})
    if entry.get("type") not in (None, _MODES[mode]):
        raise invalid({"message": "tree.type does not fit tree.mode", "code": "invalid"})
    return f"0 {NO_OBJECT}\t{path}\n" if sha is None else f"{mode} {sha}\t{path}\n"


NO_OBJECT = "0" * 40


def create_blob(context: Context, repo: Repo) -> Any:
    body = context.body
    text, encoding = body.get("content"), body.get("encoding", "utf-8")
    if not isinstance(text, str) or encoding not in ("utf-8", "base64"):
        raise invalid({"message": "content or encoding is not valid", "code": "invalid"})
    try:
        data = text.encode() if encoding == "utf-8" else base64.b64decode(text, validate=True)
    except ValueError:
        raise invalid({"message": "content is not valid base64", "code": "invalid"}) from None
    sha = repo.git.run("hash-object", "-w", "--stdin", stdin=data).decode().strip()
    return ApiResponse(201, {"sha": sha, "url": f"{context.shapes.api}/repos/{repo.full_name}/git/blobs/{sha}"})


def _tree_entry(context: Context, repo: Repo, entry: TreeEntry) -> dict[str, Any]:
    base = f"{context.shapes.api}/repos/{repo.full_name}/git"
    kind = {"blob": "blobs", "tree": "trees"}.get(entry.kind)
    url = {"url": f"{base}/{kind}/{entry.oid}"} if kind else {}
    return {"path": entry.path, "mode": entry.mode, "type": entry.kind, "sha": entry.oid, **url}


def get_tree(context: Context, repo: Repo, ref: str) -> Any:
    try:
        tree = repo.git.tree_of(ref)
        listed = repo.git.list_tree(tree, recursive="recursive" in request.args)
    except GitError:
        raise ApiError(404, "Not Found") from None
    url = f"{context.shapes.api}/repos/{repo.full_name}/git/trees/{tree}"
    return {"sha": tree, "url": url, "tree": [_tree_entry(context, repo, e) for e in listed], "truncated": False}


def create_commit(context: Context, repo: Repo) -> Any:
    message, tree = context.need("message", "tree")
    body = context.body
    own = not any(body.get(name) for name in ("author", "committer", "signature"))
    environment = signature(context.state, context.user)
    for role, prefix in (("author", "GIT_AUTHOR"), ("committer", "GIT_COMMITTER")):
        if body.get(role):
            environment |= {f"{prefix}_NAME": body[role]["name"], f"{prefix}_EMAIL": body[role]["email"]}
    parents = [word for parent in body.get("parents", []) for word in ("-p", parent)]
    try:
        out = repo.git.run("commit-tree", tree, *parents, "-m", message, environment=environment)
    except GitError as problem:
        raise invalid({"message": str(problem)}) from None
    sha = out.decode().strip()
    if own and context.user.kind == "Bot":
        folder = repo.git.git_dir / "verified"
        folder.mkdir(exist_ok=True)
        (folder / sha).touch()
    return ApiResponse(201, git_commit_shape(context, repo, sha))


def _ref_shape(context: Context, repo: Repo, ref: str, sha: str) -> dict[str, Any]:
    base = f"{context.shapes.api}/repos/{repo.full_name}/git"
    target = {"type": "commit", "sha": sha, "url": f"{base}/commits/{sha}"}
    return {"ref": ref, "node_id": f"REF_{ref}", "url": f"{base}/{ref}", "object": target}


def get_ref(context: Context, repo: Repo, ref: str) -> Any:
    sha = repo.heads().get(ref.removeprefix("heads/"))
    if sha is None:
        raise ApiError(404, "Not Found")
    return _ref_shape(context, repo, f"refs/{ref}", sha)


def create_ref(context: Context, repo: Repo) -> Any:
    ref, sha = context.need("ref", "sha")
    branch = str(ref).removeprefix("refs/heads/")
    if not str(ref).startswith("refs/heads/") or repo.git.resolve(sha) is None:
        raise ApiError(422, "Object does not exist")
    before = repo.heads()
    if branch in before:
        raise ApiError(422, "Reference already exists")
    if repo.restricts_creations:
        reason = "Cannot create ref due to creations being restricted."
        raise ApiError(422, f"Repository rule violations found\n\n{reason}\n\n")
    _update_ref(repo, branch, sha)
    context.effects.apply_branch_moves(repo, before, context.user)
    return ApiResponse(201, _ref_shape(context, repo, ref, sha))


def update_ref(context: Context, repo: Repo, ref: str) -> Any:
    (sha,) = context.need("sha")
    branch, before = ref.removeprefix("heads/"), repo.heads()
    if branch not in before:
        raise ApiError(422, "Reference does not exist")
    if repo.git.resolve(sha) is None:
        raise ApiError(422, "Object does not exist")
    forward = repo.git.is_ancestor(CommitSha(before[branch]), CommitSha(sha))
    if not forward and not context.body.get("force"):
        raise ApiError(422, "Update is not a fast forward")
    _update_ref(repo, branch, sha)
    context.effects.apply_branch_moves(repo, before, context.user)
    return _ref_shape(context, repo, f"refs/{ref}", sha)


def _update_ref(repo: Repo, branch: str, sha: str) -> None:
    try:
        repo.git.run("update-ref", f"refs/heads/{branch}", sha)
    except GitError:  # a branch whose name this one begins with
        raise ApiError(422, "Reference update failed") from None


def delete_ref(context: Context, repo: Repo, ref: str) -> Any:
    branch, before = ref.removeprefix("heads/"), repo.heads()
    if branch not in before:
        raise ApiError(422, "Reference does not exist")
    if branch in repo.kept:
        raise ApiError(422, "Repository rule violations found\n\nCannot delete this branch\n\n")
    repo.git.run("update-ref", "-d", f"refs/heads/{branch}")
    context.effects.apply_branch_moves(repo, before, context.user)
    return ApiResponse(204)


ROUTES = [
    Route("GET", "/repos/{owner}/{repo}/git/commits/{sha}", get_git_commit, "contents", "read"),
    Route("GET", "/repos/{owner}/{repo}/commits/{ref}", get_commit, "contents", "read"),
    Route("GET", "/repos/{owner}/{repo}/git/trees/{ref}", get_tree, "contents", "read"),
    Route("POST", "/repos/{owner}/{repo}/git/blobs", create_blob, "contents", "write"),
    Route("POST", "/repos/{owner}/{repo}/git/trees", create_tree, "contents", "write"),
    Route("POST", "/repos/{owner}/{repo}/git/commits", create_commit, "contents", "write"),
    Route("GET", "/repos/{owner}/{repo}/git/ref/{+ref}", get_ref, "contents", "read"),
    Route("POST", "/repos/{owner}/{repo}/git/refs", create_ref, "contents", "write"),
    Route("PATCH", "/repos/{owner}/{repo}/git/refs/{+ref}", update_ref, "contents", "write"),
    Route("DELETE", "/repos/{owner}/{repo}/git/refs/{+ref}", delete_ref, "contents", "write"),
]
