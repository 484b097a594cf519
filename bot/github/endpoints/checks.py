"""Check runs and commit statuses."""

from __future__ import annotations

from bot.domain.errors import BotError
from bot.domain.names import CommitSha, RepoName
from bot.domain.values import Wire
from bot.github.client import Client
from bot.github.endpoints import path_of
from bot.github.shapes import AppSlug

LARGEST_OUTPUT = 65_535  # bytes of a summary, and of a text (github/docs#35252)
ANNOTATIONS_AT_ONCE = 50  # per request; later requests append (REST: checks/update)


class _PostedCheck(Wire, frozen=True):
    id: int


class _Output(Wire, frozen=True):
    text: str | None = None
    summary: str | None = None


class CheckRun(Wire, frozen=True):
    """One check run on a commit."""

    id: int
    name: str
    status: str
    conclusion: str | None = None
    external_id: str | None = None
    app: AppSlug | None = None
    output: _Output | None = None
    completed_at: str | None = None

    @property
    def is_completed(self) -> bool:
        """Whether it ended; only then there is a conclusion."""
        return self.status == "completed"


class _CombinedStatus(Wire, frozen=True):
    state: str
    total_count: int


def find_checks(client: Client, repo: RepoName, sha: CommitSha, *, name: str | None = None) -> tuple[CheckRun, ...]:
    """The latest check runs on `sha`, of all or of one name, whichever App posted them: anybody's word."""
    return _list_checks(client, repo, sha, {"check_name": name} if name else {})


def find_own_checks(client: Client, repo: RepoName, sha: CommitSha, *, name: str) -> tuple[CheckRun, ...]:
    """The latest check runs of one name on `sha` that our own App posted.

    Any App, and any workflow with `checks: write`, can post a check run of any name and external id. Who posted one
    is what GitHub itself writes down (`app.id`); only that tells ours apart.
    """
    if client.app_id is None:
        raise BotError(f"cannot tell our own check runs on {repo} apart: this client acts as no App")
    query = {"check_name": name, "app_id": str(client.app_id)}
    found = _list_checks(client, repo, sha, query)
    return tuple(run for run in found if run.app is not None and run.app.id == client.app_id)


def find_all_own_checks(client: Client, repo: RepoName, sha: CommitSha) -> tuple[CheckRun, ...]:
    """The latest check run of each name on `sha` that our own App posted."""
    if client.app_id is None:
        raise BotError(f"cannot tell our own check runs on {repo} apart: this client acts as no App")
    found = _list_checks(client, repo, sha, {"app_id": str(client.app_id)})
    return tuple(run for run in found if run.app is not None and run.app.id == client.app_id)


def complete_again(client: Client, repo: RepoName, run: CheckRun) -> None:
    """Complete a run that ended, with the conclusion that it has.

    Somebody re-requested it: GitHub put its suite back to queued, and left the run as it is (checks/rerequest-run).
    """
    body = {"status": "completed", "conclusion": run.conclusion}
    client.send("PATCH", path_of(repo, "check-runs", run.id), body)


def _list_checks(client: Client, repo: RepoName, sha: CommitSha, query: dict[str, str]) -> tuple[CheckRun, ...]:
    return client.list(path_of(repo, "commits", sha, "check-runs"), CheckRun, within="check_runs", query=query)


def read_status(client: Client, repo: RepoName, sha: CommitSha) -> str | None:
    """The combined commit status (success, pending, failure), or None when nobody set one."""
    combined = client.get(path_of(repo, "commits", sha, "status"), _CombinedStatus)
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
    output: dict[str, object] = {"title": title, "summary": _cut(summary)}
    if text:
        output["text"] = _cut(text)
    body: dict[str, object] = {"name": name, "head_sha": sha, "status": "completed", "conclusion": conclusion}
    body |= {"external_id": external_id} | ({"details_url": details_url} if details_url else {})
    body |= {"actions": list(buttons)} if buttons else {}
    first = {"annotations": list(annotations[:ANNOTATIONS_AT_ONCE])} if annotations else {}
    run = client.post(path_of(repo, "check-runs"), _PostedCheck, body | {"output": output | first})
    for start in range(ANNOTATIONS_AT_ONCE, len(annotations), ANNOTATIONS_AT_ONCE):
        more = {"annotations": list(annotations[start : start + ANNOTATIONS_AT_ONCE])}
        client.send("PATCH", path_of(repo, "check-runs", run.id), {"output": output | more})


def _cut(text: str) -> str:
    """`text` as far as GitHub takes it: a check that is cut off says more than none."""
    return text.encode("utf-8", "replace")[:LARGEST_OUTPUT].decode("utf-8", "ignore")
