"""Keep one pull request with generated documents. It is found before it is made, always."""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.errors import BotError
from bot.domain.names import BranchName, CommitSha, PullNumber, RepoName
from bot.features.fleets.read import find_other_authors
from bot.git.git import GitRepository
from bot.github.client import Client
from bot.github.endpoints import repository
from bot.github.pulls import propose_files


def read_documents(mirror: GitRepository, commit: CommitSha, paths: tuple[str, ...]) -> dict[str, str]:
    """The texts that are there at `commit`, by path."""
    found = {path: mirror.read_file(commit, path) for path in paths}
    return {path: content.decode("utf-8", "replace") for path, content in found.items() if content is not None}


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
) -> str:
    """Make the pull request from `branch` hold `files`; what was done, in one word. `mirror` is fetched.

    Nothing to change closes it. A branch that somebody else committed to is left alone.
    """
    head, start = mirror.resolve(f"refs/heads/{branch}"), mirror.resolve(f"refs/heads/{base}")
    if start is None:
        return "no_base"
    pulls = repository.find_pulls(client, repo, head=branch, base=base)
    pull = next((one for one in pulls if one.state == "open"), None)
    if head is not None and find_other_authors(mirror, start, head, login):
        return "people_on_branch"
    if read_documents(mirror, start, tuple(files)) == dict(files):
        if pull is not None:
            repository.close_pull(client, repo, PullNumber(pull.number))
        if head is not None:
            repository.delete_branch(client, repo, branch)
        return "up_to_date"
    holds = head is not None and read_documents(mirror, head, tuple(files)) == dict(files)
    if not holds or head is None:
        commit = repository.push_files(
            client, repo, parent=start, base_tree=mirror.tree_of(start), files=files, message=title
        )
        repository.push_branch(client, repo, branch, commit, exists=head is not None)
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
