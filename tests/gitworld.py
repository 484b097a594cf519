"""Real git repositories for tests, made by real git."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from bot.domain.names import CommitSha
from bot.settings.environment import child_environment

_PERSON = {
    "GIT_AUTHOR_NAME": "ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
}


def git(folder: Path, *arguments: str, stdin: str | None = None) -> str:
    """One git command in `folder` as a person; its output without the last line end."""
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env=child_environment() | _PERSON,
        input=stdin,
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout.rstrip("\n")


def new_repository(folder: Path) -> Path:
    """An empty repository with a work tree, on branch main."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    return folder


def commit(
    folder: Path, files: Mapping[str, str | None], message: str = "change", pins: Mapping[str, str] | None = None
) -> CommitSha:
    """Write `files` (None removes one), move the submodules in `pins`, and commit."""
    for name, text in files.items():
        path = folder / name
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        git(folder, "add", "--all", "--", name)
    for path_in_tree, pin in (pins or {}).items():
        git(folder, "update-index", "--add", "--cacheinfo", f"160000,{pin},{path_in_tree}")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return CommitSha(git(folder, "rev-parse", "HEAD"))
