"""What a fetch sees while GitHub's copies of a repository lag behind: its branches as they were a while ago."""

from __future__ import annotations

from datetime import datetime

from bot.git.git import GitRepository
from sandbox.records import Repo

_NO_COMMIT = "0" * 40


def lagging_copy(repo: Repo, *, at: float) -> GitRepository:
    """A repository with the objects of `repo`, and its refs as they were `at` (seconds since 1970)."""
    copy = GitRepository(repo.git.git_dir.with_suffix(".replica"))
    if not copy.git_dir.exists():
        copy.git_dir.mkdir()
        copy.run("init", "--quiet", "--bare", f"--initial-branch={repo.default_branch}")
        (copy.git_dir / "objects/info/alternates").write_text(f"{repo.git.git_dir / 'objects'}\n")
    refs = _list_refs(repo.git)
    for move in reversed(repo.activities):
        if datetime.fromisoformat(move.timestamp).timestamp() > at:
            refs[move.ref] = move.before
    for pull in repo.pulls.values():
        if pull.state == "open" and pull.head_repo is None:
            refs[f"refs/pull/{pull.number}/head"] = refs.get(f"refs/heads/{pull.head}", _NO_COMMIT)
    gone = [f"delete {name}" for name in _list_refs(copy) if refs.get(name, _NO_COMMIT) == _NO_COMMIT]
    there = [f"update {name} {sha}" for name, sha in refs.items() if sha != _NO_COMMIT]
    copy.run("update-ref", "--stdin", stdin="".join(f"{line}\n" for line in (*gone, *there)).encode())
    return copy


def _list_refs(git: GitRepository) -> dict[str, str]:
    found = git.run("for-each-ref", "--format=%(refname) %(objectname)").decode()
    return dict(line.split(" ", 1) for line in found.splitlines())
