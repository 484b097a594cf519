"""Create repositories and forks, and bring a fork's commits into its parent for a pull request."""

from __future__ import annotations

from pathlib import Path

from bot.domain.names import CommitSha
from bot.git.git import GitRepository
from sandbox.records import Repo, User
from sandbox.state import ApiError, State


def create_repository(state: State, root: Path, full_name: str, *, default_branch: str, private: bool) -> Repo:
    """Create an empty repository below `root`."""
    git_dir = root / f"{full_name}.git"
    git_dir.mkdir(parents=True)
    git = GitRepository(git_dir)
    git.run("init", "--quiet", "--bare", f"--initial-branch={default_branch}", str(git_dir))
    git.run("config", "http.receivepack", "true")
    git.run("config", "receive.hideRefs", "refs/pull")  # read-only, as on GitHub
    # GitHub serves every commit that it has, and nodes fetch pinned ones.
    git.run("config", "uploadpack.allowAnySHA1InWant", "true")
    owner = state.user(full_name.split("/", maxsplit=1)[0])
    made = Repo(state.new_id(), full_name, owner, default_branch, private, git)
    state.repos[full_name] = made
    return made


def create_fork(state: State, root: Path, parent: Repo, owner: User) -> Repo:
    """Create a copy of `parent` with all its branches, owned by `owner`."""
    name = f"{owner.login}/{parent.name}"
    made = create_repository(state, root, name, default_branch=parent.default_branch, private=parent.private)
    made.git.run("fetch", "--quiet", str(parent.git.git_dir), "refs/heads/*:refs/heads/*", environment={})
    made.parent = parent
    made.permissions[owner.login] = "admin"
    return made


def find_head_repo(state: State, repo: Repo, owner: str) -> Repo:
    """The repository of a pull request's head: `repo`, or the fork of `owner` (the name before the colon)."""
    if owner in ("", repo.owner.login):
        return repo
    fork = next((one for one in state.repos.values() if one.parent is repo and one.owner.login == owner), None)
    if fork is None:
        raise ApiError(422, "Validation Failed")
    return fork


def take_commits(repo: Repo, fork: Repo, branch: str) -> CommitSha:
    """Fetch a fork's branch into the parent; returns its commit."""
    head = CommitSha(fork.heads()[branch])
    if fork is not repo:
        repo.git.run("fetch", "--quiet", "--no-tags", str(fork.git.git_dir), f"refs/heads/{branch}", environment={})
    return head
