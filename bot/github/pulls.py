"""Propose files in a pull request that is found before it is made, with a user's token or the App's."""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.names import BranchName, CommitSha, RepoName
from bot.github.client import Client
from bot.github.endpoints import repository


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
