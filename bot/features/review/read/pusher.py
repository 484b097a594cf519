"""Read who pushed the newest commit of a pull request, by GitHub's record: names in commits say nothing."""

from __future__ import annotations

import logging

from bot.domain.names import BranchName, CommitSha, RepoName
from bot.git.git import GitError, GitRepository
from bot.github.client import Client
from bot.github.endpoints import repository
from bot.github.endpoints.people import PullDetail
from bot.github.errors import GitHubError

log = logging.getLogger(__name__)

_MOST_MERGES = 20  # of the base into the head, one after the other


def find_pusher(client: Client, mirror: GitRepository, repo: RepoName, pull: PullDetail) -> str | None:
    """Who pushed what the head holds beside merges of the base; None when that cannot be told."""
    if pull.head.repo is None:  # a fork that is gone
        return None
    try:
        pushes = repository.find_pushes(client, RepoName(pull.head.repo.full_name), BranchName(pull.head.ref))
    except GitHubError as problem:
        log.info("%s #%d: who pushed its head is not to be read: %s", repo, pull.number, problem)
        return None
    wanted = _skip_merges(mirror, CommitSha(pull.head.sha), pull.base.ref)
    found = next((push for push in pushes if push.after == wanted), None)
    return found.actor.login if found is not None and found.actor is not None else None


def _skip_merges(mirror: GitRepository, head: CommitSha, base: str) -> CommitSha:
    """The commit below merges of the base branch that hold nothing but what was merged: nobody's work."""
    for _ in range(_MOST_MERGES):
        before = _find_merged_into(mirror, head, base)
        if before is None:
            return head
        head = before
    return head


def _find_merged_into(mirror: GitRepository, merge: CommitSha, base: str) -> CommitSha | None:
    """The first parent, if git makes the very files of `merge` of it and a commit of the base branch."""
    tip = mirror.resolve(f"refs/heads/{base}")
    try:
        parents = mirror.run("rev-list", "--parents", "--max-count=1", merge).decode().split()[1:]
        if len(parents) != 2 or tip is None or not mirror.is_ancestor(CommitSha(parents[1]), tip):
            return None
        made = mirror.run("merge-tree", "--write-tree", *parents).decode().split("\n")[0]
    except GitError:  # a conflict that somebody resolved; or git is older than 2.38
        return None
    return CommitSha(parents[0]) if made == mirror.tree_of(merge) else None
