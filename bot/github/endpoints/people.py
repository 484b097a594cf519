"""What GitHub knows of people: what they may, what they reviewed, and its own verdict on a pull request.

A question about permission that GitHub does not answer is answered with no. A question that it wants asked later
(RetryLater) stays one: the command is decided then.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from urllib.parse import quote

from bot.domain.names import BranchName, CommitSha, PullNumber, RepoName
from bot.domain.values import Wire
from bot.github.client import Client
from bot.github.errors import GitHubError
from bot.github.shapes import Permission, Verdict

log = logging.getLogger(__name__)

OWN_CHECKS = "aios/"  # the names of our own check runs begin so: they never wait for themselves


class _Repo(Wire, frozen=True):
    full_name: str


class _User(Wire, frozen=True):
    login: str
    type: str = "User"


class _End(Wire, frozen=True):
    ref: str
    sha: str
    repo: _Repo | None = None


class PullDetail(Wire, frozen=True):
    """A pull request as `GET /pulls/N` tells it."""

    number: int
    node_id: str
    state: str
    title: str
    head: _End
    base: _End
    html_url: str
    user: _User | None = None
    body: str | None = None
    merged: bool = False
    merged_at: str | None = None
    merged_by: _User | None = None
    merge_commit_sha: str | None = None
    mergeable: bool | None = None
    mergeable_state: str = "unknown"
    auto_merge: dict[str, object] | None = None
    draft: bool = False

    def is_from_fork(self, repo: RepoName) -> bool:
        """Whether its commits come from elsewhere; a fork that is gone counts as one."""
        return self.head.repo is None or self.head.repo.full_name.lower() != repo.lower()


class _PermissionAnswer(Wire, frozen=True):
    permission: str
    role_name: str = ""


class _Membership(Wire, frozen=True):
    state: str


class Review(Wire, frozen=True):
    """One review. `state` is one of GitHub's: APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED, PENDING."""

    state: str
    user: _User | None = None
    commit_id: str | None = None


class _App(Wire, frozen=True):
    slug: str


class _Check(Wire, frozen=True):
    name: str
    status: str
    conclusion: str | None = None


class _Status(Wire, frozen=True):
    context: str
    state: str


class _Required(Wire, frozen=True):
    contexts: tuple[str, ...] = ()


class _Protection(Wire, frozen=True):
    enabled: bool = False
    required_status_checks: _Required | None = None


class _Branch(Wire, frozen=True):
    protection: _Protection | None = None


class _Context(Wire, frozen=True):
    context: str


class _RuleParameters(Wire, frozen=True):
    required_status_checks: tuple[_Context, ...] = ()


class _Rule(Wire, frozen=True):
    type: str
    parameters: _RuleParameters | None = None


class _Decision(Wire, frozen=True, rename={"review_decision": "reviewDecision"}):
    review_decision: str | None = None


class _DecisionRepo(Wire, frozen=True, rename={"pull": "pullRequest"}):
    pull: _Decision


class _DecisionData(Wire, frozen=True):
    repository: _DecisionRepo


def _of(repo: RepoName, *parts: str | int) -> str:
    return "/".join([f"/repos/{repo}", *(quote(str(part), safe="/") for part in parts)])


def read_pull_detail(client: Client, repo: RepoName, number: PullNumber) -> PullDetail:
    """One pull request, whole."""
    return client.get(_of(repo, "pulls", number), PullDetail)


def read_permission(client: Client, repo: RepoName, login: str) -> Permission:
    """What `login` may in `repo`: the finer role where GitHub names one of its own, else the coarse permission.

    Not `author_association`, which is wrong for private members. Any answer but a clear one is UNKNOWN.
    """
    try:
        found = client.get(_of(repo, "collaborators", quote(login, safe=""), "permission"), _PermissionAnswer)
    except GitHubError as problem:
        log.warning("the permission of %s in %s is taken for none: %s", login, repo, problem)
        return Permission.UNKNOWN
    known = {str(one) for one in Permission} - {Permission.UNKNOWN}
    for name in (found.role_name, found.permission):
        if name in known:
            return Permission(name)
    return Permission.UNKNOWN


def read_teams(client: Client, org: str, slugs: Iterable[str], login: str) -> frozenset[str]:
    """Those of the teams whose active member `login` is; a team that cannot be asked has no members."""
    found = set()
    for slug in slugs:
        path = f"/orgs/{quote(org, safe='')}/teams/{quote(slug, safe='')}/memberships/{quote(login, safe='')}"
        try:
            membership = client.find(path, _Membership)
        except GitHubError as problem:
            log.warning("whether %s is in team %s cannot be asked: %s", login, slug, problem)
            continue
        if membership is not None and membership.state == "active":
            found.add(slug)
    return frozenset(found)


def react(client: Client, repo: RepoName, comment: int, content: str) -> None:
    """A reaction to a comment; nothing depends on it. GitHub makes one of each kind, however often it is asked."""
    try:
        client.send("POST", _of(repo, "issues/comments", comment, "reactions"), {"content": content})
    except GitHubError as problem:
        log.info("no reaction: %s", problem)


def find_reviews(client: Client, repo: RepoName, number: PullNumber) -> tuple[Review, ...]:
    """Every review of a pull request, oldest first."""
    return client.list(_of(repo, "pulls", number, "reviews"), Review)


def read_verdict(client: Client, repo: RepoName, pull: PullDetail) -> Verdict:
    """What GitHub itself says of merging `pull`, as if our own checks were not there.

    Its summary answers most times. Where that says no, or nothing yet, the parts are asked: its decision about
    reviews, and the checks that the branch requires.
    """
    if pull.mergeable is False or pull.mergeable_state == "dirty":
        return Verdict.CONFLICTS
    if pull.mergeable_state in ("clean", "unstable", "has_hooks", "behind"):
        return Verdict.GOOD
    try:
        decision = _read_review_decision(client, repo, pull.number)
        if decision == "CHANGES_REQUESTED":
            return Verdict.CHANGES_REQUESTED
        if decision == "REVIEW_REQUIRED":
            return Verdict.REVIEW_MISSING
        return _judge_checks(client, repo, pull)
    except GitHubError as problem:
        log.warning("GitHub's verdict on %s#%d is not known: %s", repo, pull.number, problem)
        return Verdict.UNKNOWN


def _read_review_decision(client: Client, repo: RepoName, number: int) -> str | None:
    owner, name = repo.split("/")
    query = (
        "query($owner: String!, $name: String!, $number: Int!) { repository(owner: $owner, name: $name) "
        "{ pullRequest(number: $number) { reviewDecision } } }"
    )
    return client.graphql(query, _DecisionData, owner=owner, name=name, number=number).repository.pull.review_decision


def _judge_checks(client: Client, repo: RepoName, pull: PullDetail) -> Verdict:
    required = {c for c in required_checks(client, repo, BranchName(pull.base.ref)) if not c.startswith(OWN_CHECKS)}
    if not required:
        return Verdict.GOOD
    sha = CommitSha(pull.head.sha)
    statuses = client.list(_of(repo, "commits", sha, "status"), _Status, within="statuses")
    states = {status.context: status.state for status in statuses}
    for run in client.list(_of(repo, "commits", sha, "check-runs"), _Check, within="check_runs"):
        ended = "success" if run.conclusion in ("success", "neutral", "skipped") else "failure"
        states[run.name] = ended if run.status == "completed" else "pending"
    found = {states.get(name, "pending") for name in required}
    if found & {"failure", "error"}:
        return Verdict.CHECKS_FAILED
    return Verdict.CHECKS_PENDING if "pending" in found else Verdict.GOOD


def required_checks(client: Client, repo: RepoName, branch: BranchName) -> frozenset[str]:
    """The checks that a branch requires, by rulesets and by the older protection; both may hold at once."""
    rules = client.list(_of(repo, "rules/branches", branch), _Rule)
    named = {c.context for r in rules if r.parameters for c in r.parameters.required_status_checks}
    protection = client.get(_of(repo, "branches", branch), _Branch).protection
    if protection is not None and protection.enabled and protection.required_status_checks is not None:
        named |= set(protection.required_status_checks.contexts)
    return frozenset(named)
