"""GitHub's records as the embedded GitHub keeps them. Git objects are in real bare repositories."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bot.git.git import GitRepository
from sandbox.references import Reference, read_references

if TYPE_CHECKING:
    from sandbox.app_records import AppRecord
    from sandbox.merge_queue import Group


_clock: list[Callable[[], float]] = []


@contextmanager
def use_clock(clock: Callable[[], float]) -> Iterator[None]:
    """Let `clock` (seconds since 1970) say what time it is on this process's embedded GitHubs."""
    _clock.append(clock)
    try:
        yield
    finally:
        _clock.remove(clock)


def iso_now() -> str:
    """The time now, in GitHub's format."""
    now = datetime.fromtimestamp(_clock[-1](), UTC) if _clock else datetime.now(UTC)
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class User:
    """A user, an organisation or an App's bot."""

    id: int
    login: str
    kind: str = "User"


@dataclass
class Label:
    """A label of a repository."""

    id: int
    name: str


@dataclass
class Review:
    """A review of a pull request."""

    id: int
    user: User
    state: str  # APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED
    body: str
    commit: str
    submitted_at: str


@dataclass
class BranchRules:
    """What a branch requires of pull requests into it."""

    approvals: int = 0
    contexts: tuple[str, ...] = ()  # required checks
    sources: dict[str, int] = field(default_factory=dict)  # of some of them, the id of the App that has to post it
    signed: bool = False
    linear: bool = False
    strict: bool = False  # branches are to be up to date
    is_frozen: bool = False  # nobody may update it


@dataclass(frozen=True)
class QueueEvent:
    """A pull request came into the merge queue, or out of it."""

    id: int
    event: str
    actor: User
    created_at: str


@dataclass
class Pull:
    """A pull request. `head_sha` follows the branch while it is open."""

    id: int
    number: int
    title: str
    body: str | None
    user: User
    head: str
    base: str
    head_sha: str
    base_sha: str
    state: str = "open"
    merged_at: str | None = None
    merged_by: User | None = None
    merge_commit_sha: str | None = None
    closed_at: str | None = None
    created_at: str = field(default_factory=iso_now)
    updated_at: str = field(default_factory=iso_now)
    labels: list[Label] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    auto_merge: User | None = None  # who enabled it
    auto_merge_method: str = "merge"
    queue_events: list[QueueEvent] = field(default_factory=list)  # oldest first
    rebased: tuple[str, ...] = ()  # its commits as a rebase rewrote them on the base, oldest first
    head_repo: Repo | None = None  # a fork; None: the repository itself
    locked: bool = False  # its conversation
    draft: bool = False
    merges_known_of: tuple[str, str] = ("", "")  # head and base for which it is known whether it can be merged
    conflicts: dict[tuple[str, str], bool] = field(default_factory=dict)  # by base and head, as git found them
    counts: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)  # likewise, of commits and files


@dataclass
class Issue:
    """An issue that is not a pull request."""

    id: int
    number: int
    title: str
    body: str | None
    user: User
    state: str = "open"
    state_reason: str | None = None
    closed_at: str | None = None
    created_at: str = field(default_factory=iso_now)
    updated_at: str = field(default_factory=iso_now)


@dataclass
class Comment:
    """A comment on a pull request."""

    id: int
    number: int
    body: str
    user: User
    created_at: str = field(default_factory=iso_now)
    updated_at: str = field(default_factory=iso_now)
    reactions: list[tuple[str, str]] = field(default_factory=list)
    minimized: str | None = None  # the reason, if it is minimized


@dataclass
class CheckRun:
    """A check run of the App. `output` holds title, summary, text and annotations."""

    id: int
    suite: int
    name: str
    head_sha: str
    status: str
    conclusion: str | None
    external_id: str
    details_url: str
    output: dict[str, Any]
    app: AppRecord
    actions: list[dict[str, str]] = field(default_factory=list)  # buttons
    rerequested: bool = False  # its suite is queued until the App completes the run again
    started_at: str = field(default_factory=iso_now)
    completed_at: str | None = None


@dataclass
class CommitStatus:
    """A status of a commit."""

    id: int
    sha: str
    state: str
    context: str
    description: str | None
    target_url: str | None
    creator: User
    created_at: str = field(default_factory=iso_now)


@dataclass
class DeploymentStatus:
    """One state of a deployment."""

    id: int
    state: str
    description: str
    log_url: str
    environment_url: str
    creator: User
    created_at: str = field(default_factory=iso_now)


@dataclass
class Deployment:
    """A deployment of a commit to an environment."""

    id: int
    sha: str
    ref: str
    task: str
    payload: Any
    environment: str
    production: bool
    description: str | None
    creator: User
    created_at: str = field(default_factory=iso_now)
    statuses: list[DeploymentStatus] = field(default_factory=list)


@dataclass
class Run:
    """A run of a workflow and its one job; the deploy workflow has no more."""

    id: int
    job_id: int
    workflow: str
    name: str
    ref: str
    sha: str
    title: str
    labels: tuple[str, ...]
    event: dict[str, Any]
    actor: User
    permissions: dict[str, str]
    status: str = "queued"
    conclusion: str | None = None
    log: str = ""
    created_at: str = field(default_factory=iso_now)


@dataclass
class Registration:
    """A registered self-hosted runner."""

    id: int
    name: str
    labels: tuple[str, ...]
    online: bool = False


@dataclass(frozen=True)
class Activity:
    """One move of a branch."""

    id: int
    before: str
    after: str
    ref: str
    actor: User
    kind: str  # push, force_push, branch_creation, branch_deletion
    timestamp: str = field(default_factory=iso_now)


@dataclass
class Repo:
    """A repository and everything in it."""

    id: int
    full_name: str
    owner: User
    default_branch: str
    private: bool
    git: GitRepository
    permissions: dict[str, str] = field(default_factory=dict)
    pulls: dict[int, Pull] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    checks: list[CheckRun] = field(default_factory=list)
    statuses: list[CommitStatus] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    activities: list[Activity] = field(default_factory=list)  # oldest first
    runs: list[Run] = field(default_factory=list)
    environments: dict[str, list[str]] = field(default_factory=dict)  # kinds of their protection rules
    runners: list[Registration] = field(default_factory=list)
    rules: dict[str, BranchRules] = field(default_factory=dict)  # by branch
    queues: dict[str, list[Group]] = field(default_factory=dict)  # merge queues, by branch
    disabled: set[str] = field(default_factory=set)  # workflows that somebody disabled
    dispatch_forbidden: bool = False  # by a workflow execution protection
    restricts_creations: bool = False  # a ruleset for every branch does
    kept: set[str] = field(default_factory=set)  # branches that a ruleset keeps from being deleted
    allow_auto_merge: bool = False
    has_issues: bool = True
    merge_methods: tuple[str, ...] = ("merge", "squash", "rebase")
    archived: bool = False
    parent: Repo | None = None  # of a fork
    created_at: str = field(default_factory=iso_now)
    _heads: tuple[frozenset[Reference], dict[str, str]] = (frozenset(), {})  # as they were when git listed them

    @property
    def name(self) -> str:
        """The name without the owner."""
        return self.full_name.split("/")[1]

    def heads(self) -> dict[str, str]:
        """Every branch and its commit."""
        now = read_references(self.git.git_dir)
        if self._heads[0] != now:
            found = self.git.list_refs("refs/heads/").items()
            self._heads = now, {ref.removeprefix("refs/heads/"): str(sha) for ref, sha in found}
        return dict(self._heads[1])
