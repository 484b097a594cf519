"""What the bot reads and writes in one repository, as plain functions over a Client.

Each returns our own frozen values. The shapes are the parts of GitHub's REST descriptions that are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from bot.domain.names import BranchName, CommitSha, DeploymentId, PullNumber, RepoName
from bot.domain.values import Wire
from bot.github.client import Client
from bot.github.errors import GitHubError, NotFound

ANNOTATIONS_AT_ONCE = 50  # per request; later requests append (REST: checks/update)
DESCRIPTION = 140  # characters of a deployment status' description


class Repository(Wire, frozen=True):
    """A repository of an installation."""

    full_name: str
    default_branch: str
    private: bool = True
    archived: bool = False


class _User(Wire, frozen=True):
    login: str


class _Ref(Wire, frozen=True):
    ref: str
    sha: str


class _Label(Wire, frozen=True):
    name: str


class Pull(Wire, frozen=True):
    """A pull request. `merge_commit_sha` is the merge only when `merged_at` is set."""

    number: int
    state: str
    title: str
    head: _Ref
    base: _Ref
    html_url: str
    user: _User | None = None
    body: str | None = None
    merged_at: str | None = None
    merge_commit_sha: str | None = None
    labels: tuple[_Label, ...] = ()


class _Sha(Wire, frozen=True):
    sha: str


class _App(Wire, frozen=True):
    slug: str


class _Output(Wire, frozen=True):
    text: str | None = None


class _Branch(Wire, frozen=True):
    commit: _Sha


class CheckRun(Wire, frozen=True):
    """One check run on a commit."""

    id: int
    name: str
    status: str
    conclusion: str | None = None
    external_id: str | None = None
    app: _App | None = None
    output: _Output | None = None
    completed_at: str | None = None


class _CombinedStatus(Wire, frozen=True):
    state: str
    total_count: int


class Comment(Wire, frozen=True):
    """One comment on a pull request."""

    id: int
    node_id: str
    body: str
    user: _User | None = None


class Deployment(Wire, frozen=True):
    """One deployment of a commit to an environment (a node)."""

    id: int
    sha: str
    environment: str
    task: str
    payload: dict[str, object] | str | None = None
    creator: _User | None = None


class DeploymentStatus(Wire, frozen=True):
    """One status of a deployment, newest first in lists."""

    id: int
    state: str
    description: str | None = None
    log_url: str | None = None
    created_at: str = ""


class WorkflowRun(Wire, frozen=True):
    """A run that a dispatch started."""

    workflow_run_id: int
    html_url: str


class RunState(Wire, frozen=True):
    """`status`: queued, waiting (for an approval), pending, in_progress, completed, ..."""

    status: str
    conclusion: str | None = None


class _Ignored(Wire, frozen=True):
    pass


def _of(repo: RepoName, *parts: str | int) -> str:
    return "/".join([f"/repos/{repo}", *(quote(str(part), safe="/") for part in parts)])


def find_repositories(client: Client) -> tuple[Repository, ...]:
    """Every repository that the client's installation may see."""
    return client.list("/installation/repositories", Repository, within="repositories", most=10_000)


def find_repository(client: Client, repo: RepoName) -> Repository | None:
    """One repository, or None when it may not be seen."""
    return client.find(_of(repo), Repository)


def has_file(client: Client, repo: RepoName, path: str) -> bool:
    """Whether the default branch holds something at `path`."""
    return client.find(_of(repo, "contents", path), _Ignored) is not None


def find_pulls(client: Client, repo: RepoName, *, head: BranchName, base: BranchName) -> tuple[Pull, ...]:
    """Pull requests from our branch `head` into `base`, open and closed, newest first."""
    owner = repo.split("/")[0]
    query: dict[str, str] = {
        "head": f"{owner}:{head}",
        "base": base,
        "state": "all",
        "sort": "created",
        "direction": "desc",
    }
    return client.list(_of(repo, "pulls"), Pull, most=30, query=query)


def find_open_pulls(client: Client, repo: RepoName) -> tuple[Pull, ...]:
    """Every open pull request, newest first."""
    return client.list(_of(repo, "pulls"), Pull, most=200, query={"state": "open"})


def read_pull(client: Client, repo: RepoName, number: PullNumber) -> Pull:
    """One pull request."""
    return client.get(_of(repo, "pulls", number), Pull)


def find_pulls_of_commit(client: Client, repo: RepoName, sha: CommitSha) -> tuple[Pull, ...]:
    """Pull requests that brought `sha` in."""
    return client.list(_of(repo, "commits", sha, "pulls"), Pull, most=30)


def push_gitlink(
    client: Client, repo: RepoName, *, parent: CommitSha, base_tree: str, path: str, pin: CommitSha, message: str
) -> CommitSha:
    """A commit on `parent` that only moves the submodule at `path` to `pin`; no branch points at it yet.

    No author and no committer is named: that is what makes GitHub sign it (about-commit-signature-verification).
    """
    entry = {"path": path, "mode": "160000", "type": "commit", "sha": pin}
    tree = client.post(_of(repo, "git/trees"), _Sha, {"base_tree": base_tree, "tree": [entry]})
    commit = client.post(_of(repo, "git/commits"), _Sha, {"message": message, "tree": tree.sha, "parents": [parent]})
    return CommitSha(commit.sha)


def find_branch(client: Client, repo: RepoName, branch: BranchName) -> CommitSha | None:
    """The commit that `branch` is at, or None when there is no such branch."""
    found = client.find(_of(repo, "branches", branch), _Branch)
    return CommitSha(found.commit.sha) if found else None


def push_files(
    client: Client, repo: RepoName, *, parent: CommitSha, base_tree: str, files: Mapping[str, str], message: str
) -> CommitSha:
    """A commit on `parent` with the texts of `files` in it, signed by GitHub; no branch points at it yet."""
    entries = [
        {"path": path, "mode": "100644", "type": "blob", "content": content}
        for path, content in sorted(files.items())
    ]
    tree = client.post(_of(repo, "git/trees"), _Sha, {"base_tree": base_tree, "tree": entries})
    commit = client.post(_of(repo, "git/commits"), _Sha, {"message": message, "tree": tree.sha, "parents": [parent]})
    return CommitSha(commit.sha)


def push_branch(client: Client, repo: RepoName, branch: BranchName, sha: CommitSha, *, exists: bool) -> None:
    """Make `branch` point at `sha`, whatever it pointed at before."""
    if exists:
        client.send("PATCH", _of(repo, "git/refs/heads", branch), {"sha": sha, "force": True})
    else:
        client.send("POST", _of(repo, "git/refs"), {"ref": f"refs/heads/{branch}", "sha": sha})


def delete_branch(client: Client, repo: RepoName, branch: BranchName) -> None:
    """Remove `branch`; one that is gone already is fine."""
    try:
        client.send("DELETE", _of(repo, "git/refs/heads", branch))
    except NotFound:
        return
    except GitHubError as problem:
        if problem.status != 422:  # "Reference does not exist"
            raise


def open_pull(client: Client, repo: RepoName, *, head: BranchName, base: BranchName, title: str, body: str) -> Pull:
    """A new pull request from our own branch."""
    return client.post(_of(repo, "pulls"), Pull, {"head": head, "base": base, "title": title, "body": body})


def edit_pull(client: Client, repo: RepoName, number: int, *, title: str, body: str) -> None:
    """Rewrite title and body."""
    client.send("PATCH", _of(repo, "pulls", number), {"title": title, "body": body})


def close_pull(client: Client, repo: RepoName, number: int) -> None:
    """Close without merging."""
    client.send("PATCH", _of(repo, "pulls", number), {"state": "closed"})


def post_labels(client: Client, repo: RepoName, number: int, labels: tuple[str, ...]) -> None:
    """Add labels; GitHub makes those that do not exist."""
    client.send("POST", _of(repo, "issues", number, "labels"), {"labels": list(labels)})


def find_checks(client: Client, repo: RepoName, sha: CommitSha, *, name: str | None = None) -> tuple[CheckRun, ...]:
    """The latest check runs on `sha`, of all or of one name."""
    query: dict[str, str] = {"check_name": name} if name else {}
    return client.list(_of(repo, "commits", sha, "check-runs"), CheckRun, within="check_runs", query=query)


def read_status(client: Client, repo: RepoName, sha: CommitSha) -> str | None:
    """The combined commit status (success, pending, failure), or None when nobody set one."""
    combined = client.get(_of(repo, "commits", sha, "status"), _CombinedStatus)
    return combined.state if combined.total_count else None


def post_check(
    client: Client,
    repo: RepoName,
    *,
    sha: CommitSha,
    name: str,
    conclusion: str,
    title: str,
    summary: str,
    text: str,
    external_id: str,
    details_url: str = "",
    annotations: tuple[dict[str, object], ...] = (),
    buttons: tuple[dict[str, str], ...] = (),
) -> None:
    """A finished check run on `sha`, its annotations in as many requests as they need."""
    output: dict[str, object] = {"title": title, "summary": summary}
    if text:
        output["text"] = text
    body: dict[str, object] = {"name": name, "head_sha": sha, "status": "completed", "conclusion": conclusion}
    body |= {"external_id": external_id} | ({"details_url": details_url} if details_url else {})
    body |= {"actions": list(buttons)} if buttons else {}
    first = {"annotations": list(annotations[:ANNOTATIONS_AT_ONCE])} if annotations else {}
    run = client.post(_of(repo, "check-runs"), CheckRun, body | {"output": output | first})
    for start in range(ANNOTATIONS_AT_ONCE, len(annotations), ANNOTATIONS_AT_ONCE):
        more = {"annotations": list(annotations[start : start + ANNOTATIONS_AT_ONCE])}
        client.send("PATCH", _of(repo, "check-runs", run.id), {"output": output | more})


def find_comments(client: Client, repo: RepoName, number: int) -> tuple[Comment, ...]:
    """Every comment of a pull request, oldest first."""
    return client.list(_of(repo, "issues", number, "comments"), Comment)


def post_comment(client: Client, repo: RepoName, number: int, body: str) -> None:
    """A new comment."""
    client.send("POST", _of(repo, "issues", number, "comments"), {"body": body})


def edit_comment(client: Client, repo: RepoName, comment: int, body: str) -> None:
    """Rewrite a comment of ours."""
    client.send("PATCH", _of(repo, "issues/comments", comment), {"body": body})


def find_deployments(
    client: Client, repo: RepoName, *, sha: CommitSha | None = None, environment: str | None = None, most: int = 100
) -> tuple[Deployment, ...]:
    """Deployments, newest first."""
    query: dict[str, str] = ({"sha": sha} if sha else {}) | ({"environment": environment} if environment else {})
    return client.list(_of(repo, "deployments"), Deployment, most=most, query=query)


def post_deployment(
    client: Client,
    repo: RepoName,
    *,
    sha: CommitSha,
    node: str,
    task: str,
    description: str,
    payload: dict[str, object],
) -> Deployment:
    """A deployment of `sha` to `node`. Nothing is merged into it and no check is waited for: it is approved."""
    body = {
        "ref": sha,
        "environment": node,
        "task": task,
        "auto_merge": False,
        "required_contexts": [],
        "description": description[:DESCRIPTION],
        "payload": payload,
        "production_environment": True,
    }
    return client.post(_of(repo, "deployments"), Deployment, body)


def delete_deployment(client: Client, repo: RepoName, deployment: DeploymentId) -> None:
    """Remove a deployment that is not active; one that is gone, or active after all, stays as it is."""
    try:
        client.send("DELETE", _of(repo, "deployments", deployment))
    except GitHubError as problem:
        if problem.status not in (404, 422):
            raise


def find_deployment_statuses(
    client: Client, repo: RepoName, deployment: DeploymentId, *, most: int = 1
) -> tuple[DeploymentStatus, ...]:
    """Its statuses, newest first."""
    return client.list(_of(repo, "deployments", deployment, "statuses"), DeploymentStatus, most=most)


def post_deployment_status(
    client: Client,
    repo: RepoName,
    deployment: DeploymentId,
    *,
    state: str,
    description: str,
    log_url: str | None = None,
    environment_url: str | None = None,
) -> None:
    """A new status; `state` is one of GitHub's (queued, in_progress, success, failure, error, inactive)."""
    links = ({"log_url": log_url} if log_url else {}) | (
        {"environment_url": environment_url} if environment_url else {}
    )
    body = {"state": state, "description": description[:DESCRIPTION], "auto_inactive": True} | links
    client.send("POST", _of(repo, "deployments", deployment, "statuses"), body)


def find_run_state(client: Client, repo: RepoName, run: int) -> RunState | None:
    """How a workflow run is; None when it is gone."""
    return client.find(_of(repo, "actions/runs", run), RunState)


def cancel_run(client: Client, repo: RepoName, run: int) -> None:
    """Ask for the end of a workflow run; one that has ended, or is gone, is fine."""
    try:
        client.send("POST", _of(repo, "actions/runs", run, "cancel"))
    except GitHubError as problem:
        if problem.status not in (404, 409):  # 409: "Cannot cancel a workflow run that is completed"
            raise


def dispatch_workflow(
    client: Client, repo: RepoName, *, workflow: str, ref: BranchName, inputs: dict[str, str]
) -> WorkflowRun | None:
    """Start `workflow` on branch `ref`; the run, where the server tells it (older ones answer nothing)."""
    path = _of(repo, "actions/workflows", workflow, "dispatches")
    body = {"ref": ref, "inputs": inputs, "return_run_details": True}
    return client.post(path, WorkflowRun | None, body)  # type: ignore[arg-type]  # a union is what msgspec takes
