"""What happened on GitHub, as values: parsed from webhook deliveries by bot.github.events."""

from __future__ import annotations

from bot.domain.names import BranchName, CommitSha, DeploymentId, InstallationId, PullNumber, RepoName
from bot.domain.values import Value


class Push(Value, frozen=True, tag="push"):
    """A branch moved. `after` is None when the branch was deleted.

    `may_make_fleet` is False when the push cannot have brought the file that makes its repository a fleet or a hub,
    `may_change_fleet` when it cannot have brought that file to its branch.
    """

    repo: RepoName
    installation: InstallationId
    branch: BranchName
    after: CommitSha | None
    may_make_fleet: bool = True
    may_change_fleet: bool = True


class PullRequestChanged(Value, frozen=True, tag="pull_request"):
    """A pull request was opened, closed, merged, reopened, edited or got new commits."""

    repo: RepoName
    installation: InstallationId
    number: PullNumber
    action: str
    base: BranchName
    head: BranchName
    merged: bool
    merge_commit: CommitSha | None = None  # on the base, when it was merged
    head_commit: CommitSha | None = None
    from_fork: bool = False


class ChecksCompleted(Value, frozen=True, tag="checks_completed"):
    """A check suite or a commit status of `sha` is completed."""

    repo: RepoName
    installation: InstallationId
    sha: CommitSha


class CheckRerequested(Value, frozen=True, tag="check_rerequested"):
    """Somebody pressed Re-run on one of our check runs, or Re-run all checks."""

    repo: RepoName
    installation: InstallationId
    sha: CommitSha


class MergeGroupRequested(Value, frozen=True, tag="merge_group"):
    """A merge queue wants checks on a group: the commit `head`, which merges `number` on top of `parent`."""

    repo: RepoName
    installation: InstallationId
    base: BranchName
    branch: BranchName  # the group's own
    head: CommitSha
    parent: CommitSha
    number: PullNumber


class DeploymentChanged(Value, frozen=True, tag="deployment_status"):
    """A deployment got a status, from a node's job or from GitHub."""

    repo: RepoName
    installation: InstallationId
    deployment: DeploymentId
    ref: str
    task: str = ""


class WorkflowRunCompleted(Value, frozen=True, tag="workflow_run"):
    """A run of a workflow ended, with or without a status from its job."""

    repo: RepoName
    installation: InstallationId
    run_id: int
    conclusion: str


class InstallationChanged(Value, frozen=True, tag="installation"):
    """The App was installed, removed, or given other repositories."""

    installation: InstallationId
    action: str


class RepositoryChanged(Value, frozen=True, tag="repository"):
    """A repository was renamed, transferred, archived, deleted, made private or public, or edited.

    `before` is its name before it was renamed or transferred.
    """

    repo: RepoName
    installation: InstallationId
    action: str
    before: RepoName | None = None


class AccessChanged(Value, frozen=True, tag="access"):
    """Who may do what changed: in `repo` alone, or by a team or an organisation in any repository (None)."""

    installation: InstallationId
    repo: RepoName | None = None


class AuthorizationRevoked(Value, frozen=True, tag="authorization_revoked"):
    """A person took back that the App may act as them. `person` is GitHub's number of their account."""

    person: int


class Ping(Value, frozen=True, tag="ping"):
    """GitHub tests the webhook's address."""

    hook_id: int


class Commented(Value, frozen=True, tag="commented"):
    """Somebody commented on a pull request, and the first line may be a command. `line` is hostile."""

    repo: RepoName
    installation: InstallationId
    number: PullNumber
    comment: int
    actor: str  # login
    line: str  # the first line, at most one character longer than a command's
    said_at: str  # ISO 8601, GitHub's clock


class Reviewed(Value, frozen=True, tag="reviewed"):
    """A review of a pull request was submitted, edited or dismissed.

    `line`, which is hostile, is the first line of one that a person submitted, if it may be a command; else empty.
    """

    repo: RepoName
    installation: InstallationId
    number: PullNumber
    review: int = 0
    actor: str = ""  # login
    line: str = ""  # at most one character longer than a command's
    said_at: str = ""  # ISO 8601, GitHub's clock


class ButtonPressed(Value, frozen=True, tag="button"):
    """Somebody pressed a button of one of our check runs."""

    repo: RepoName
    installation: InstallationId
    check: int
    sha: CommitSha
    plan: str  # the check run's external_id, as we wrote it; "" when it has none
    button: str  # the button's identifier
    actor: str


Event = (
    Push
    | PullRequestChanged
    | ChecksCompleted
    | CheckRerequested
    | Commented
    | Reviewed
    | ButtonPressed
    | MergeGroupRequested
    | DeploymentChanged
    | WorkflowRunCompleted
    | InstallationChanged
    | RepositoryChanged
    | AccessChanged
    | AuthorizationRevoked
    | Ping
)
