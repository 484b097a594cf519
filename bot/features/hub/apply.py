"""Keep one pull request with generated documents. It is found before it is made, always."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial

from bot.domain.errors import BotError
from bot.domain.names import BranchName, CommitSha, PullNumber, RepoName
from bot.features.fleets.branches import report_refused_branch
from bot.features.fleets.store import PinStore
from bot.git.git import GitRepository
from bot.github.client import Client
from bot.github.endpoints import repository
from bot.github.endpoints.repository import BranchRefused
from bot.github.pulls import propose_files

HUB_CHECK = "aios/hub"


def read_documents(mirror: GitRepository, commit: CommitSha, paths: tuple[str, ...]) -> dict[str, str]:
    """The texts that are there at `commit`, by path."""
    found = {path: mirror.read_file(commit, path) for path in paths}
    return {path: content.decode("utf-8", "replace") for path, content in found.items() if content is not None}


_COMMITS_READ = 50  # of a branch of ours, which has one commit while nobody else commits to it


def is_own_branch(
    mirror: GitRepository,
    start: CommitSha,
    head: CommitSha,
    *,
    paths: Sequence[str],
    pushed: Sequence[CommitSha],
    login: str,
) -> bool:
    """Whether the branch at `head` holds no more than what we pushed to it, with the base merged in at most.

    Ours are the commits in `pushed`, and one that differs from the base in nothing but `paths`, which are as in one
    of those: that is what GitHub's "Update branch" button makes. Who committed says nothing: GitHub commits what
    people do on its pages, and under another name on each server. Where no commit of ours is known (an older version
    pushed them), the numeric e-mail that GitHub writes for the App's own account counts.
    """
    if head in pushed:
        return True
    fork = mirror.merge_base(start, head)
    if not set(mirror.changed_files(fork, head)) <= set(paths):
        return False
    if not pushed:
        own = re.compile(rf"[0-9]+\+{re.escape(login)}@users\.noreply\..+")
        commits = mirror.commits_between(fork, head, most=_COMMITS_READ)
        return all(own.fullmatch(commit.author_email) for commit in commits)
    held = [mirror.entry(head, path) for path in paths]
    return any(mirror.resolve(sha) and held == [mirror.entry(sha, path) for path in paths] for sha in pushed)


def propose_documents(
    client: Client,
    repo: RepoName,
    mirror: GitRepository,
    *,
    base: BranchName,
    branch: BranchName,
    files: Mapping[str, str],
    title: str,
    body: str,
    login: str,
    pins: PinStore,
) -> str:
    """Make the pull request from `branch` hold `files`; what was done, in one word. `mirror` is fetched.

    Nothing to change closes it. A branch that somebody else committed to is left alone.
    """
    head, start = mirror.resolve(f"refs/heads/{branch}"), mirror.resolve(f"refs/heads/{base}")
    if start is None:
        return "no_base"
    report = partial(report_refused_branch, client, repo, start, mirror=mirror, branch=branch, check=HUB_CHECK)
    pulls = repository.find_pulls(client, repo, head=branch, base=base)
    pull = next((one for one in pulls if one.state == "open"), None)
    pushed = pins.find_pushed_documents(repo)
    if head is not None and not is_own_branch(mirror, start, head, paths=tuple(files), pushed=pushed, login=login):
        return "people_on_branch"
    if read_documents(mirror, start, tuple(files)) == dict(files):
        if pull is not None:
            repository.close_pull(client, repo, PullNumber(pull.number))
        if head is not None:
            try:
                repository.delete_branch(client, repo, branch)
            except BranchRefused as problem:
                report(problem, kept=True)
        return "up_to_date"
    holds = head is not None and read_documents(mirror, head, tuple(files)) == dict(files)
    if not holds or head is None:
        commit = repository.push_files(
            client, repo, parent=start, base_tree=mirror.tree_of(start), files=files, message=title
        )
        pins.note_pushed_documents(repo, commit)
        try:
            repository.push_branch(client, repo, branch, commit, exists=head is not None)
        except BranchRefused as problem:
            report(problem)
            return "branch_refused"
    elif pull is None and any(one.state == "closed" and one.merged_at is None for one in pulls):
        return "settled"  # somebody closed exactly this
    if pull is None:
        repository.open_pull(client, repo, head=branch, base=base, title=title, body=body)
        return "opened"
    if (pull.title, pull.body) != (title, body):
        repository.edit_pull(client, repo, pull.number, title=title, body=body)
    return "kept" if holds else "updated"


def propose_once(
    client: Client, repo: RepoName, *, branch: BranchName, files: Mapping[str, str], title: str, body: str
) -> str:
    """The address of the one pull request from `branch` that brings `files` into the default branch."""
    found = repository.find_repository(client, repo)
    start = repository.find_branch(client, repo, BranchName(found.default_branch)) if found else None
    if found is None or start is None:
        raise BotError(f"{repo} cannot be seen with your token, or has no commit yet: push one first")
    base = BranchName(found.default_branch)
    return propose_files(client, repo, base=base, start=start, branch=branch, files=files, title=title, body=body)
