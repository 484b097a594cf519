"""Parse the deliveries about a whole repository and about its merge queues. Pure."""

from __future__ import annotations

import re

import msgspec

from bot.domain.events import MergeGroupRequested, RepositoryChanged
from bot.domain.names import BranchName, InstallationId, PullNumber, RepoName, parse_commit_sha, parse_repo_name
from bot.domain.values import Wire
from bot.github.ignored import Ignored, IgnoredReason
from bot.github.shapes import User

_QUEUED_PULL = re.compile(r"/pr-([1-9][0-9]{0,9})-[0-9a-f]{40}\Z")  # ends the name of a merge group's branch


class _Before(Wire, frozen=True, rename={"name": "from"}):
    name: str


class _RenamedRepository(Wire, frozen=True):
    name: _Before | None = None


class _OwnerBefore(Wire, frozen=True):
    user: User | None = None
    organization: User | None = None


class _OwnersBefore(Wire, frozen=True, rename={"owner": "from"}):
    owner: _OwnerBefore


class _RepositoryChanges(Wire, frozen=True):
    repository: _RenamedRepository | None = None
    owner: _OwnersBefore | None = None

    def name_before(self, now: RepoName) -> RepoName | None:
        """What the repository was called before; None when its name did not change."""
        owner, name = now.split("/")
        old = self.owner.owner if self.owner else None
        was = old.user or old.organization if old else None
        renamed = self.repository.name if self.repository else None
        if was is None and renamed is None:
            return None
        return parse_repo_name(f"{was.login if was else owner}/{renamed.name if renamed else name}")


class _RepositoryBody(Wire, frozen=True):
    changes: _RepositoryChanges = _RepositoryChanges()


class _MergeGroup(Wire, frozen=True):
    head_sha: str
    head_ref: str
    base_sha: str
    base_ref: str


class _MergeGroupBody(Wire, frozen=True):
    merge_group: _MergeGroup


def parse_repository_changed(
    action: str, body: bytes, installation: InstallationId, repo: RepoName
) -> RepositoryChanged:
    """What happened to `repo`, with its name of before when that changed."""
    before = msgspec.json.decode(body, type=_RepositoryBody).changes.name_before(repo)
    return RepositoryChanged(repo=repo, installation=installation, action=action, before=before)


def parse_merge_group(body: bytes, installation: InstallationId, repo: RepoName) -> MergeGroupRequested | Ignored:
    """The checks that a merge queue asks for; its branch names the pull request: gh-readonly-queue/main/pr-7-SHA."""
    group = msgspec.json.decode(body, type=_MergeGroupBody).merge_group
    branch = group.head_ref.removeprefix("refs/heads/")
    number = _QUEUED_PULL.search(branch)
    if number is None:
        return Ignored(reason=IgnoredReason.UNREADABLE, detail=f"no pull request in {group.head_ref}"[:200])
    return MergeGroupRequested(
        repo=repo,
        installation=installation,
        base=BranchName(group.base_ref.removeprefix("refs/heads/")),
        branch=BranchName(branch),
        head=parse_commit_sha(group.head_sha),
        parent=parse_commit_sha(group.base_sha),
        number=PullNumber(int(number[1])),
    )
