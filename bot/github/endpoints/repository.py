"""Repositories, their branches and their pull requests."""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.names import BranchName, CommitSha, PullNumber, RepoName
from bot.domain.values import Wire
from bot.github.client import Client
from bot.github.endpoints import path_of
from bot.github.errors import GitHubError, NotFound
from bot.github.shapes import Branch, Label, PullEnd, Sha, User

MAX_PULL_FILES = 3000  # GitHub lists no more (REST: pulls/list-files)

_IS_THERE, _IS_GONE = "Reference already exists", "Reference does not exist"
"""What GitHub says (422) when a branch is made or moved that was made or deleted meanwhile; rules answer 422, too."""


_NOT_YET = "Object does not exist"
"""What GitHub says (422) of a commit that has not reached all of it: no rule, and over when it is tried again."""


class BranchRefused(GitHubError):  # noqa: N818 - a rule's answer, not a failure
    """GitHub does not let the App make, move or delete a branch."""


class Repository(Wire, frozen=True):
    """A repository of an installation. Names change and are given again; the `id` never is."""

    id: int
    full_name: str
    default_branch: str
    private: bool = True
    archived: bool = False


class Pull(Wire, frozen=True):
    """A pull request. `merge_commit_sha` is the merge only when `merged_at` is set."""

    number: int
    state: str
    title: str
    head: PullEnd
    base: PullEnd
    html_url: str
    user: User | None = None
    body: str | None = None
    merged_at: str | None = None
    merge_commit_sha: str | None = None
    labels: tuple[Label, ...] = ()


class PullFile(Wire, frozen=True):
    """A file that a pull request changes; a renamed one has two names."""

    filename: str
    previous_filename: str | None = None


class BranchMove(Wire, frozen=True):
    """One move of a branch, whatever moved it; no actor: an account that is gone."""

    after: str
    actor: User | None = None


def find_repositories(client: Client) -> tuple[Repository, ...]:
    """Every repository that the client's installation may see."""
    return client.list("/installation/repositories", Repository, within="repositories")


def find_repository(client: Client, repo: RepoName) -> Repository | None:
    """One repository, or None when it may not be seen."""
    return client.find(path_of(repo), Repository)


def has_file(client: Client, repo: RepoName, path: str) -> bool:
    """Whether the default branch holds something at `path`."""
    return client.find(path_of(repo, "contents", path), object) is not None


def find_pulls(
    client: Client, repo: RepoName, *, head: BranchName, base: BranchName | None = None
) -> tuple[Pull, ...]:
    """Pull requests from our branch `head` into `base` (None: whatever base), open and closed, newest first."""
    owner = repo.split("/")[0]
    query: dict[str, str] = {
        "head": f"{owner}:{head}",
        "state": "all",
        "sort": "created",
        "direction": "desc",
    } | ({"base": base} if base else {})
    return client.list(path_of(repo, "pulls"), Pull, most=30, query=query)


def find_open_pulls(client: Client, repo: RepoName) -> tuple[Pull, ...]:
    """Every open pull request, newest first."""
    return client.list(path_of(repo, "pulls"), Pull, query={"state": "open"})


def read_pull(client: Client, repo: RepoName, number: PullNumber) -> Pull:
    """One pull request."""
    return client.get(path_of(repo, "pulls", number), Pull)


def find_pull_files(client: Client, repo: RepoName, number: PullNumber) -> tuple[PullFile, ...]:
    """The files that a pull request changes, at most MAX_PULL_FILES."""
    return client.list(path_of(repo, "pulls", number, "files"), PullFile, most=MAX_PULL_FILES)


def find_pulls_of_commit(client: Client, repo: RepoName, sha: CommitSha) -> tuple[Pull, ...]:
    """Pull requests that brought `sha` in."""
    return client.list(path_of(repo, "commits", sha, "pulls"), Pull, most=30)


def find_pushes(client: Client, repo: RepoName, branch: BranchName) -> tuple[BranchMove, ...]:
    """The newest moves of `branch`, newest first (REST: repos/list-activities)."""
    return client.list(path_of(repo, "activity"), BranchMove, most=100, query={"ref": f"refs/heads/{branch}"})


def push_gitlink(
    client: Client, repo: RepoName, *, parent: CommitSha, base_tree: str, path: str, pin: CommitSha, message: str
) -> CommitSha:
    """A commit on `parent` that only moves the submodule at `path` to `pin`; no branch points at it yet.

    No author and no committer is named: that is what makes GitHub sign it (about-commit-signature-verification).
    """
    entry = {"path": path, "mode": "160000", "type": "commit", "sha": pin}
    tree = client.post(path_of(repo, "git/trees"), Sha, {"base_tree": base_tree, "tree": [entry]})
    commit = client.post(
        path_of(repo, "git/commits"), Sha, {"message": message, "tree": tree.sha, "parents": [parent]}
    )
    return CommitSha(commit.sha)


def find_branch(client: Client, repo: RepoName, branch: BranchName) -> CommitSha | None:
    """The commit that `branch` is at, or None when there is no such branch."""
    found = client.find(path_of(repo, "branches", branch), Branch)
    return CommitSha(found.commit.sha) if found else None


def push_files(
    client: Client, repo: RepoName, *, parent: CommitSha, base_tree: str, files: Mapping[str, str], message: str
) -> CommitSha:
    """A commit on `parent` with the texts of `files` in it, signed by GitHub; no branch points at it yet."""
    entries = [
        {"path": path, "mode": "100644", "type": "blob", "content": content}
        for path, content in sorted(files.items())
    ]
    tree = client.post(path_of(repo, "git/trees"), Sha, {"base_tree": base_tree, "tree": entries})
    commit = client.post(
        path_of(repo, "git/commits"), Sha, {"message": message, "tree": tree.sha, "parents": [parent]}
    )
    return CommitSha(commit.sha)


def push_branch(client: Client, repo: RepoName, branch: BranchName, sha: CommitSha, *, exists: bool) -> None:
    """Make `branch` point at `sha`, whatever it pointed at before.

    `exists` is what was seen a moment ago; a branch that was made or deleted since is moved or made all the same.
    Raises BranchRefused where a rule, or another branch's name, is in the way.
    """
    try:
        _put_branch(client, repo, branch, sha, exists=exists)
    except BranchRefused as problem:
        if problem.status != 422 or (_IS_GONE if exists else _IS_THERE) not in problem.message:
            raise
        _put_branch(client, repo, branch, sha, exists=not exists)


def _put_branch(client: Client, repo: RepoName, branch: BranchName, sha: CommitSha, *, exists: bool) -> None:
    if exists:
        _change_branch(client, "PATCH", path_of(repo, "git/refs/heads", branch), {"sha": sha, "force": True})
    else:
        _change_branch(client, "POST", path_of(repo, "git/refs"), {"ref": f"refs/heads/{branch}", "sha": sha})


def _change_branch(client: Client, verb: str, path: str, body: object = None) -> None:
    try:
        client.send(verb, path, body)
    except NotFound:
        raise
    except GitHubError as problem:
        if problem.status not in (409, 422) or _NOT_YET in problem.message:
            raise
        raise BranchRefused(f"{verb} {path}", problem.status, problem.message) from None


def delete_branch(client: Client, repo: RepoName, branch: BranchName) -> None:
    """Remove `branch`; one that is gone already is fine. Raises BranchRefused where a rule keeps it."""
    try:
        _change_branch(client, "DELETE", path_of(repo, "git/refs/heads", branch))
    except NotFound:
        return
    except BranchRefused as problem:
        if problem.status != 422 or _IS_GONE not in problem.message:
            raise


def open_pull(client: Client, repo: RepoName, *, head: BranchName, base: BranchName, title: str, body: str) -> Pull:
    """A new pull request from our own branch."""
    return client.post(path_of(repo, "pulls"), Pull, {"head": head, "base": base, "title": title, "body": body})


def edit_pull(client: Client, repo: RepoName, number: int, *, title: str, body: str) -> None:
    """Rewrite title and body."""
    client.send("PATCH", path_of(repo, "pulls", number), {"title": title, "body": body})


def close_pull(client: Client, repo: RepoName, number: int) -> None:
    """Close without merging."""
    client.send("PATCH", path_of(repo, "pulls", number), {"state": "closed"})


def post_labels(client: Client, repo: RepoName, number: int, labels: tuple[str, ...]) -> None:
    """Add labels; GitHub makes those that do not exist."""
    client.send("POST", path_of(repo, "issues", number, "labels"), {"labels": list(labels)})
