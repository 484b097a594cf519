"""Pull requests of a branch of ours, with those that GitHub's list does not show yet; propose files in one."""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.errors import RetryLater
from bot.domain.names import BranchName, CommitSha, PullNumber, RepoName
from bot.github.client import Client
from bot.github.endpoints import repository
from bot.github.endpoints.repository import Pull
from bot.github.errors import GitHubError, NotFound

_NOT_LISTED_YET = 4.0  # seconds


def find_own_pulls(client: Client, repo: RepoName, *, head: BranchName) -> tuple[Pull, ...]:
    """Pull requests from our branch `head`, into whatever base, open and closed, newest first."""
    pulls = repository.find_pulls(client, repo, head=head)
    number = client.memory.find("pull", repo, head)
    if number is None or any(pull.number == number for pull in pulls):
        return pulls
    try:
        return (repository.read_pull(client, repo, number), *pulls)
    except NotFound:  # of a repository that was deleted, and made again since
        return pulls


def open_own_pull(
    client: Client, repo: RepoName, *, head: BranchName, base: BranchName, title: str, body: str
) -> Pull:
    """A new pull request. RetryLater when there is one that the list did not show yet (another replica's)."""
    try:
        pull = repository.open_pull(client, repo, head=head, base=base, title=title, body=body)
    except GitHubError as problem:
        # GitHub has no code for it: the error is "custom", and its message the only thing that tells it apart.
        if problem.status == 422 and "already exists" in problem.message:
            text = f"{repo} has a pull request from {head} that is not listed yet"
            raise RetryLater(text, seconds=_NOT_LISTED_YET) from None
        raise
    client.memory.keep(PullNumber(pull.number), "pull", repo, head)
    return pull


def propose_files(
    client: Client,
    repo: RepoName,
    *,
    base: BranchName,
    start: CommitSha,
    branch: BranchName,
    files: Mapping[str, str],
    title: str,
    body: str,
) -> str:
    """The address of the one open pull request from `branch` into `base`, made or updated to bring `files`.

    `start` is the commit of `base` that the files were made for.
    """
    commit = repository.push_files(client, repo, parent=start, base_tree=start, files=files, message=title)
    exists = repository.find_branch(client, repo, branch) is not None
    repository.push_branch(client, repo, branch, commit, exists=exists)
    for pull in repository.find_pulls(client, repo, head=branch, base=base):
        if pull.state == "open":
            repository.edit_pull(client, repo, pull.number, title=title, body=body)
            return pull.html_url
    return repository.open_pull(client, repo, head=branch, base=base, title=title, body=body).html_url
