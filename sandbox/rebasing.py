"""Merge two commits, and rebase the commits of a pull request, in a bare repository, as GitHub's buttons do."""

from __future__ import annotations

from collections.abc import Mapping

from bot.git.git import GitError, GitRepository
from sandbox.state import ApiError

_AUTHOR = "%an%x00%ae%x00%aI%x00%B"


def merge_trees(git: GitRepository, base: str, head: str) -> str:
    """The tree of merging `head` into `base`; ApiError where they conflict."""
    try:
        return git.run("merge-tree", "--write-tree", base, head).decode().split("\n")[0]
    except GitError:
        raise ApiError(405, "Merge conflict") from None


def write_commit(git: GitRepository, tree: str, *arguments: str, environment: Mapping[str, str]) -> str:
    """Write a commit of `tree`; its name."""
    return git.run("commit-tree", tree, *arguments, environment=environment).decode().strip()


def rebase(git: GitRepository, base: str, head: str, signature: Mapping[str, str]) -> tuple[str, ...]:
    """The commits of `head` that `base` lacks, rewritten on top of it, oldest first; ApiError where they cannot be.

    Merge commits are left out, authors stay, and whoever merges is the committer, so every commit gets a new SHA
    (docs: about pull request merges).
    """
    committer = {f"GIT_COMMITTER_{what}": signature[f"GIT_AUTHOR_{what}"] for what in ("NAME", "EMAIL")}
    made: list[str] = []
    listed = git.run("rev-list", "--reverse", "--topo-order", "--no-merges", f"{base}..{head}").decode().split()
    for commit in listed:
        name, mail, date, message = git.run("log", "-1", f"--format={_AUTHOR}", commit).decode().split("\0")
        author = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": mail, "GIT_AUTHOR_DATE": date}
        onto = made[-1] if made else base
        tree = _replay(git, commit, onto, signature)
        made.append(write_commit(git, tree, "-p", onto, "-m", message.rstrip(), environment={**author, **committer}))
    if not made:
        raise ApiError(405, "This branch can't be rebased")
    return tuple(made)


def _replay(git: GitRepository, commit: str, onto: str, signature: Mapping[str, str]) -> str:
    """The tree of what `commit` changes, on `onto`: a merge of which the commit's parent is the base."""
    before = write_commit(git, f"{commit}^^{{tree}}", "-m", "before", environment=signature)
    ours, theirs = (
        write_commit(git, f"{one}^{{tree}}", "-p", before, "-m", "after", environment=signature)
        for one in (onto, commit)
    )
    return merge_trees(git, ours, theirs)
