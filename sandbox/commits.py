"""Commits of a bare repository, in the shapes of GitHub's API."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from bot.domain.names import CommitSha
from sandbox.api import Context
from sandbox.records import Repo
from sandbox.state import ApiError

_FULL = re.compile(r"[0-9a-f]{40}")


def resolve(repo: Repo, ref: str) -> CommitSha:
    """The commit that `ref` (branch or commit) names, or 404."""
    names = (ref,) if _FULL.fullmatch(ref) else (f"refs/heads/{ref}", ref)
    found = next(filter(None, map(repo.git.resolve, names)), None)
    if found is None:
        raise ApiError(404, f"No commit found for the ref {ref}")
    return found


def commit_texts(
    repo: Repo, branch: str, files: Mapping[str, str], message: str, signature: Mapping[str, str]
) -> CommitSha:
    """Commit `files` to `branch`, which exists; `signature` is git's environment for who writes."""
    who = f"{signature['GIT_AUTHOR_NAME']} <{signature['GIT_AUTHOR_EMAIL']}>"
    by = f"{signature['GIT_COMMITTER_NAME']} <{signature['GIT_COMMITTER_EMAIL']}>"
    now = int(time.time())
    head = f"commit refs/heads/{branch}\nmark :1\nauthor {who} {now} +0000\ncommitter {by} {now} +0000\n"
    parts = [head, f"data {len(message.encode())}\n{message}\nfrom refs/heads/{branch}^0\n"]
    parts += [f"M 100644 inline {name}\ndata {len(text.encode())}\n{text}\n" for name, text in files.items()]
    stream = "".join([*parts, "get-mark :1\n"]).encode()
    written = repo.git.run("fast-import", "--quiet", environment={}, stdin=stream)
    return CommitSha(written.decode().strip())


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
