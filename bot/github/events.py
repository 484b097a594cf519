"""Parse a delivery's payload into an Event, or Ignored with its reason. Pure.

Only the fields that the bot uses are parsed, and no other code sees a payload: it is hostile.
Source of the shapes: GitHub's webhook descriptions (octokit/webhooks payload schemas).
"""

from __future__ import annotations

import msgspec

from bot.domain.events import (
    CheckRerequested,
    ChecksCompleted,
    DeploymentChanged,
    Event,
    InstallationChanged,
    Ping,
    PullRequestChanged,
    Push,
    WorkflowRunCompleted,
)
from bot.domain.names import (
    BranchName,
    CommitSha,
    DeploymentId,
    InstallationId,
    PullNumber,
    RepoName,
    parse_commit_sha,
    parse_repo_name,
)
from bot.domain.values import Wire
from bot.fleetfile import FLEET_FILE, HUB_FILE
from bot.github.ignored import Ignored, IgnoredReason
from bot.github.people_events import parse_access_event, parse_people_event, parse_revocation
from bot.github.repository_events import parse_merge_group, parse_repository_changed
from bot.github.shapes import PullEnd, Ref, RepositoryRef

NO_COMMIT = "0" * 40
# Below these limits a push lists everything that it changed. GitHub cuts its lists later; how much later has varied.
LISTED_COMMITS = 20
LISTED_FILES = 300


class _Id(Wire, frozen=True):
    id: int


class _Envelope(Wire, frozen=True):
    """What all deliveries that we use have in common."""

    action: str = ""
    repository: RepositoryRef | None = None
    installation: _Id | None = None


class _PushedCommit(Wire, frozen=True):
    added: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        return (*self.added, *self.modified, *self.removed)


class _PushedRepo(Wire, frozen=True):
    default_branch: str = ""


class _Push(Wire, frozen=True):
    ref: str
    after: str
    repository: _PushedRepo
    created: bool = False
    forced: bool = False
    commits: tuple[_PushedCommit, ...] = ()


class _PullRequest(Wire, frozen=True):
    number: int
    base: Ref
    head: PullEnd
    merged: bool | None = None  # GitHub's schema has null here
    merge_commit_sha: str | None = None  # a trial merge while it is open

    @property
    def merge_commit(self) -> CommitSha | None:
        """The commit of the base that merged it; None when it was not merged."""
        return parse_commit_sha(self.merge_commit_sha) if self.merged and self.merge_commit_sha else None


class _PullRequestBody(Wire, frozen=True):
    pull_request: _PullRequest


class _HeadSha(Wire, frozen=True):
    head_sha: str


class _CheckSuiteBody(Wire, frozen=True):
    check_suite: _HeadSha


class _CheckRunBody(Wire, frozen=True):
    check_run: _HeadSha


class _StatusBody(Wire, frozen=True):
    sha: str
    state: str


class _Deployment(Wire, frozen=True):
    id: int
    ref: str
    task: str = ""


class _DeploymentBody(Wire, frozen=True):
    deployment: _Deployment


class _WorkflowRun(Wire, frozen=True):
    id: int
    conclusion: str | None = None


class _WorkflowRunBody(Wire, frozen=True):
    workflow_run: _WorkflowRun


class _PingBody(Wire, frozen=True):
    hook_id: int = 0


_PULL_ACTIONS = {
    "opened",
    "closed",
    "reopened",
    "synchronize",
    "edited",
    "converted_to_draft",
    "ready_for_review",
    "dequeued",
}
_REPOSITORY_ACTIONS = {
    "renamed",
    "transferred",
    "archived",
    "unarchived",
    "deleted",
    "privatized",
    "publicized",
    "edited",
}
_INSTALLATION_ACTIONS = {
    "created",
    "deleted",
    "suspend",
    "unsuspend",
    "new_permissions_accepted",
    "added",
    "removed",
}


def parse_event(name: str, body: bytes) -> Event | Ignored:
    """The Event that `name` (the X-GitHub-Event header) and `body` (its JSON) describe, or why there is none.

    Never raises: JSON that is not what GitHub documents is Ignored as unreadable, with the place.
    """
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
        if name == "ping":
            return Ping(hook_id=msgspec.json.decode(body, type=_PingBody).hook_id)
        if (name, envelope.action) == ("github_app_authorization", "revoked"):  # of a person, in no installation
            return parse_revocation(body)
        if envelope.installation is None:
            return Ignored(reason=IgnoredReason.NO_INSTALLATION)
        installation = InstallationId(envelope.installation.id)
        if (name, envelope.action) == ("installation_target", "renamed"):
            return InstallationChanged(installation=installation, action=envelope.action)
        if name in ("installation", "installation_repositories"):
            if envelope.action in _INSTALLATION_ACTIONS:
                return InstallationChanged(installation=installation, action=envelope.action)
            return Ignored(reason=IgnoredReason.UNKNOWN_EVENT, detail=f"{name}.{envelope.action}"[:100])
        repo = parse_repo_name(envelope.repository.full_name) if envelope.repository else None
        if (access := parse_access_event(name, envelope.action, installation, repo)) is not None:
            return access
        if repo is None:
            return Ignored(reason=IgnoredReason.UNKNOWN_EVENT, detail=name[:100])
        return _parse_repository_event(name, envelope.action, body, installation, repo)
    except (msgspec.DecodeError, msgspec.ValidationError, ValueError, RecursionError) as problem:
        return Ignored(reason=IgnoredReason.UNREADABLE, detail=str(problem)[:200])


def _parse_repository_event(
    name: str, action: str, body: bytes, installation: InstallationId, repo: RepoName
) -> Event | Ignored:
    match name, action:
        case "push", _:
            return _parse_push(body, installation, repo)
        case "pull_request", _ if action in _PULL_ACTIONS:
            pull = msgspec.json.decode(body, type=_PullRequestBody).pull_request
            return PullRequestChanged(
                repo=repo,
                installation=installation,
                number=PullNumber(pull.number),
                action=action,
                base=BranchName(pull.base.ref),
                head=BranchName(pull.head.ref),
                merged=bool(pull.merged),
                merge_commit=pull.merge_commit,
                head_commit=parse_commit_sha(pull.head.sha),
                from_fork=pull.head.is_outside(repo),
            )
        case "merge_group", "checks_requested":
            return parse_merge_group(body, installation, repo)
        case "check_suite", "rerequested" | "completed":
            sha = parse_commit_sha(msgspec.json.decode(body, type=_CheckSuiteBody).check_suite.head_sha)
            happened = CheckRerequested if action == "rerequested" else ChecksCompleted
            return happened(repo=repo, installation=installation, sha=sha)
        case "status", _:
            status = msgspec.json.decode(body, type=_StatusBody)
            if status.state != "pending":
                return ChecksCompleted(repo=repo, installation=installation, sha=parse_commit_sha(status.sha))
        case "check_run", "rerequested":
            sha = parse_commit_sha(msgspec.json.decode(body, type=_CheckRunBody).check_run.head_sha)
            return CheckRerequested(repo=repo, installation=installation, sha=sha)
        case ("issue_comment" | "pull_request_review", _) | ("check_run", "requested_action"):
            return parse_people_event(name, action, body, installation, repo)
        case "deployment_status", _:
            deployment = msgspec.json.decode(body, type=_DeploymentBody).deployment
            return DeploymentChanged(
                repo=repo,
                installation=installation,
                deployment=DeploymentId(deployment.id),
                ref=deployment.ref,
                task=deployment.task[:200],
            )
        case "repository", _ if action in _REPOSITORY_ACTIONS:
            return parse_repository_changed(action, body, installation, repo)
        case "workflow_run", "completed":
            run = msgspec.json.decode(body, type=_WorkflowRunBody).workflow_run
            return WorkflowRunCompleted(
                repo=repo, installation=installation, run_id=run.id, conclusion=run.conclusion or ""
            )
    return Ignored(reason=IgnoredReason.UNKNOWN_EVENT, detail=f"{name}.{action}"[:100])


def _parse_push(body: bytes, installation: InstallationId, repo: RepoName) -> Push | Ignored:
    push = msgspec.json.decode(body, type=_Push)
    if not push.ref.startswith("refs/heads/"):
        return Ignored(reason=IgnoredReason.NOT_A_BRANCH, detail=push.ref[:100])
    branch = BranchName(push.ref.removeprefix("refs/heads/"))
    touches = _may_touch(push, {FLEET_FILE, HUB_FILE})
    return Push(
        repo=repo,
        installation=installation,
        branch=branch,
        after=None if push.after == NO_COMMIT else parse_commit_sha(push.after),
        may_make_fleet=touches and push.repository.default_branch in ("", branch),
        may_change_fleet=touches,
    )


def _may_touch(push: _Push, wanted: set[str]) -> bool:
    """Whether one of the files `wanted` may have changed: a push lists its commits and files only up to a limit."""
    listed = [path for commit in push.commits for path in commit.paths]
    if push.created or push.forced or not 0 < len(push.commits) < LISTED_COMMITS or len(listed) >= LISTED_FILES:
        return True
    return not wanted.isdisjoint(listed)
