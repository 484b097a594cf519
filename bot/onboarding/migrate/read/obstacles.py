"""Find what prevents a migration of the folder itself, each obstacle with its cure. Changes nothing."""

from __future__ import annotations

from bot.git.gitmodules import parse_gitmodules
from bot.onboarding.migrate.facts import MigrationRequest
from bot.onboarding.migrate.folder import MigrationState, WorkingFolder, is_link

UNFINISHED = {
    "MERGE_HEAD": "a merge",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "BISECT_LOG": "a bisection",
    "index.lock": "another git command, or the remains of one (.git/index.lock)",
}
"""Files of a git directory that show an operation under way, and which."""


def find_obstacles(
    work: WorkingFolder,
    request: MigrationRequest,
    state: MigrationState | None,
    origin: str | None,
    touched: list[str],
    *,
    branch: str | None,
    has_commits: bool,
) -> list[str]:
    """Obstacles in the folder; those of the submodule's place are found by `read_server`."""
    root = work.root
    found = []
    docs = root / "docs"
    if is_link(docs) or (docs.exists() and not docs.is_dir()):
        found.append("docs is not a folder: rename it, because documents are moved into docs/")
    if work.git_dir.exists() and not work.git_dir.is_dir():
        found.append(f"{root} is a worktree or a submodule of another repository: run this in the main checkout")
    if not work.git_dir.is_dir():
        return found
    found += [
        f"{what} is under way in {root}: finish or abort it"
        for file, what in UNFINISHED.items()
        if (work.git_dir / file).exists()
    ]
    if branch is None:
        found.append(f"{root} has a detached HEAD: check out a branch")
    if request.remote and origin and _bare(request.remote) != _bare(origin):
        found.append(f"{root} already has the remote {origin}: omit --remote, or change it with git remote set-url")
    if state is None:
        found += _uncommitted_obstacles(work, touched, has_commits=has_commits)
    modules = root / ".gitmodules"
    if modules.is_file() and work.try_git("config", "--file", ".gitmodules", "--list") is None:
        broken = parse_gitmodules(modules.read_bytes().decode("utf-8", "replace")).broken
        at = f", line {broken[0].line}" if broken else ""
        found.append(f"git cannot read .gitmodules{at}: fix it first")
    return found


def _bare(url: str) -> str:
    return url.rstrip("/").removesuffix(".git").lower()


def _uncommitted_obstacles(work: WorkingFolder, touched: list[str], *, has_commits: bool) -> list[str]:
    """Uncommitted work that a commit of the migration would include, or that it would overwrite."""
    status = work.git_list(
        "status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=no", "--ignore-submodules=dirty"
    )
    found = []
    if has_commits:
        staged = [entry[3:] for entry in status if entry[0] not in " ?"]
        changed = [entry[3:] for entry in status if entry[1] != " " and entry[3:] in touched]
    else:
        # A file staged and then edited again: the staged version would be lost.
        staged = [entry[3:] for entry in status if entry[0] != " " and entry[1] != " "]
        changed = []
    if staged:
        cure = "commit it, or unstage it with `git restore --staged`"
        found.append(f"staged and not committed: {', '.join(staged[:10])}; {cure}")
    if changed:
        found.append(
            f"changed and not committed: {', '.join(changed)}; commit it, because the migration writes to it"
        )
    return found
