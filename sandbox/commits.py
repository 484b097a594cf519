"""Commits of a bare repository, in the shapes of GitHub's API."""

from __future__ import annotations

from typing import Any

from bot.domain.names import CommitSha
from sandbox.api import Context
from sandbox.records import Repo
from sandbox.state import ApiError


def resolve(repo: Repo, ref: str) -> CommitSha:
    """The commit that `ref` (branch or commit) names, or 404."""
    found = repo.git.resolve(f"refs/heads/{ref}") or repo.git.resolve(ref)
    if found is None:
        raise ApiError(404, f"No commit found for the ref {ref}")
    return found


def _verification(repo: Repo, sha: str) -> dict[str, Any]:
    verified = (repo.git.git_dir / "verified" / sha).exists()
    reason = "valid" if verified else "unsigned"
    return {"verified": verified, "reason": reason, "signature": None, "payload": None, "verified_at": None}


def git_commit_shape(context: Context, repo: Repo, sha: str) -> dict[str, Any]:
    """git-commit."""
    form = "%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B"
    fields = repo.git.run("log", "-1", f"--format={form}", sha).decode("utf-8", "replace").split("\0")
    tree, parents, author, author_mail, authored, committer, committer_mail, committed, message = fields
    base = f"{context.shapes.api}/repos/{repo.full_name}/git"
    page = f"{context.shapes.url}/{repo.full_name}/commit"
    return {
        "sha": sha,
        "node_id": f"C_{sha}",
        "url": f"{base}/commits/{sha}",
        "html_url": f"{page}/{sha}",
        "author": {"name": author, "email": author_mail, "date": authored},
        "committer": {"name": committer, "email": committer_mail, "date": committed},
        "tree": {"sha": tree, "url": f"{base}/trees/{tree}"},
        "message": message.rstrip("\n"),
        "parents": [{"sha": p, "url": f"{base}/commits/{p}", "html_url": f"{page}/{p}"} for p in parents.split()],
        "verification": _verification(repo, sha),
    }


def commit_shape(context: Context, repo: Repo, sha: str) -> dict[str, Any]:
    """commit."""
    git = git_commit_shape(context, repo, sha)
    base = f"{context.shapes.api}/repos/{repo.full_name}/commits"
    inner = {name: git[name] for name in ("author", "committer", "message", "tree", "url", "verification")}
    return {
        "sha": sha,
        "node_id": git["node_id"],
        "commit": inner | {"comment_count": 0},
        "url": f"{base}/{sha}",
        "html_url": git["html_url"],
        "comments_url": f"{base}/{sha}/comments",
        "author": None,
        "committer": None,
        "parents": git["parents"],
    }
