"""Permissions, teams and reviews of users, and whether a pull request meets GitHub's own rules.

A permission that GitHub does not show counts as none. RetryLater passes through: the command is decided later.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from urllib.parse import quote

from bot.domain.names import BranchName, CommitSha, PullNumber, RepoName
from bot.domain.values import Wire
from bot.domain.verdicts import Permission, Verdict
from bot.github.client import Client
from bot.github.endpoints import path_of
from bot.github.endpoints.checks import find_checks
from bot.github.endpoints.repository import Pull
from bot.github.endpoints.rules import find_rules
from bot.github.errors import GitHubError
from bot.github.shapes import PASSED, ReviewState, User

log = logging.getLogger(__name__)

OWN_CHECKS = "aios/"  # how the names of our own check runs begin: they never wait for themselves


class PullDetail(Pull, frozen=True, kw_only=True):
    """A pull request with the fields that no list of them has."""

    node_id: str
    merged: bool = False
    merged_by: User | None = None
    mergeable: bool | None = None
    mergeable_state: str = "unknown"
    auto_merge: dict[str, object] | None = None
    draft: bool = False
    created_at: str = ""

    def is_from_fork(self, repo: RepoName) -> bool:
        """Whether its commits come from elsewhere; a fork that is gone counts as one."""
        return self.head.is_outside(repo)


class _Account(Wire, frozen=True):
    id: int


class _PermissionAnswer(Wire, frozen=True):
    permission: str
    role_name: str = ""
    user: _Account | None = None


class _Membership(Wire, frozen=True):
    state: str


class Review(Wire, frozen=True):
    """One review. `state` is a ReviewState, or one that does not count (COMMENTED, PENDING)."""

    state: str
    user: User | None = None
    commit_id: str | None = None


class _Status(Wire, frozen=True):
    context: str
    state: str


class _ProtectionCheck(Wire, frozen=True):
    context: str
    app_id: int | None = None


class _Required(Wire, frozen=True):
    contexts: tuple[str, ...] = ()
    checks: tuple[_ProtectionCheck, ...] = ()


class _Protection(Wire, frozen=True):
    enabled: bool = False
    required_status_checks: _Required | None = None


class _Branch(Wire, frozen=True):
    protection: _Protection | None = None


class _Context(Wire, frozen=True):
    context: str
    integration_id: int | None = None


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


def read_pull_detail(client: Client, repo: RepoName, number: PullNumber) -> PullDetail:
    """One pull request, with its details."""
    return client.get(path_of(repo, "pulls", number), PullDetail)


def read_permission(client: Client, repo: RepoName, login: str, *, account: int | None = None) -> Permission:
    """The permission of `login` in `repo`: the finer role where it is a built-in one, else the coarse permission.

    With `account`, a login that is another account's by now has none: logins change hands, numbers do not.

    Not `author_association`, which is wrong for private members. Whatever is not clear is UNKNOWN.
    """
    try:
        found = client.get(path_of(repo, "collaborators", quote(login, safe=""), "permission"), _PermissionAnswer)
    except GitHubError as problem:
        log.warning("cannot read the permission of %s in %s, which counts as none: %s", login, repo, problem)
        return Permission.UNKNOWN
    if account is not None and (found.user is None or found.user.id != account):
        log.warning("%s in %s is not the account %d any more, and has no permission", login, repo, account)
        return Permission.UNKNOWN
    known = {str(one) for one in Permission} - {Permission.UNKNOWN}
    for name in (found.role_name, found.permission):
        if name in known:
            return Permission(name)
    return Permission.UNKNOWN


def read_teams(client: Client, org: str, slugs: Iterable[str], login: str) -> frozenset[str]:
    """The teams of which `login` is an active member; a team that GitHub does not show has no members."""
    found = set()
    for slug in slugs:
        path = f"/orgs/{quote(org, safe='')}/teams/{quote(slug, safe='')}/memberships/{quote(login, safe='')}"
        try:
            membership = client.find(path, _Membership)
        except GitHubError as problem:
            log.warning("cannot read whether %s is in team %s: %s", login, slug, problem)
            continue
        if membership is not None and membership.state == "active":
            found.add(slug)
    return frozenset(found)


def react(client: Client, repo: RepoName, comment: int, content: str) -> None:
    """React to a comment. GitHub keeps one reaction of each kind; a refusal is only logged."""
    try:
        client.send("POST", path_of(repo, "issues/comments", comment, "reactions"), {"content": content})
    except GitHubError as problem:
        log.info("no reaction: %s", problem)


def find_reviews(client: Client, repo: RepoName, number: PullNumber) -> tuple[Review, ...]:
    """Every review of a pull request, oldest first."""
    return client.list(path_of(repo, "pulls", number, "reviews"), Review)


def read_verdict(client: Client, repo: RepoName, pull: PullDetail) -> Verdict:
    """Whether GitHub's own rules let `pull` be merged, as if our own checks were not there.

    Its summary is enough most times. Where that is a no, or nothing yet, its parts are read: the decision about
    reviews, and the checks that the branch requires.
    """
    if pull.mergeable is False or pull.mergeable_state == "dirty":
        return Verdict.CONFLICTS
    if pull.mergeable_state in ("clean", "unstable", "has_hooks", "behind"):
        return Verdict.GOOD
    try:
        decision = _read_review_decision(client, repo, pull.number)
        if decision == ReviewState.CHANGES_REQUESTED:
            return Verdict.CHANGES_REQUESTED
        if decision == "REVIEW_REQUIRED":
            return Verdict.REVIEW_MISSING
        return _judge_checks(client, repo, pull)
    except GitHubError as problem:
        log.warning("cannot read whether %s#%d may be merged: %s", repo, pull.number, problem)
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
    statuses = client.list(path_of(repo, "commits", sha, "status"), _Status, within="statuses")
    states = {status.context: status.state for status in statuses}
    for run in find_checks(client, repo, sha):
        ended = "success" if run.conclusion in PASSED else "failure"
        states[run.name] = ended if run.is_completed else "pending"
    found = {states.get(name, "pending") for name in required}
    if found & {"failure", "error"}:
        return Verdict.CHECKS_FAILED
    return Verdict.CHECKS_PENDING if "pending" in found else Verdict.GOOD


def required_checks(client: Client, repo: RepoName, branch: BranchName) -> frozenset[str]:
    """The checks that a branch requires, by rulesets and by the older protection; both may hold at once."""
    return frozenset(read_required_sources(client, repo, branch))


def read_required_sources(client: Client, repo: RepoName, branch: BranchName) -> dict[str, frozenset[int]]:
    """By required check, the ids of the Apps that rulesets and protection pin it to; none: any App may post it."""
    found: dict[str, set[int]] = {}
    for rule in find_rules(client, repo, branch, _Rule):
        for check in rule.parameters.required_status_checks if rule.parameters else ():
            found.setdefault(check.context, set()).update(_sources(check.integration_id))
    protection = client.get(path_of(repo, "branches", branch), _Branch).protection
    if protection is not None and protection.enabled and protection.required_status_checks is not None:
        for name in protection.required_status_checks.contexts:
            found.setdefault(name, set())
        for one in protection.required_status_checks.checks:
            found.setdefault(one.context, set()).update(_sources(one.app_id))
    return {name: frozenset(apps) for name, apps in found.items()}


def _sources(app: int | None) -> tuple[int, ...]:
    return (app,) if app is not None and app > 0 else ()  # -1: any App may set it (REST: update branch protection)
