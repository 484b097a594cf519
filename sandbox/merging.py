"""Decide whether a pull request may be merged: reviews, required checks, conflicts."""

from __future__ import annotations

from bot.domain.names import CommitSha
from sandbox.rebasing import merge_trees
from sandbox.records import Pull, Repo, Review
from sandbox.state import ApiError

_GOOD = ("success", "neutral", "skipped")


def latest_reviews(pull: Pull) -> dict[str, Review]:
    """The newest review of each user that approves, requests changes, or was dismissed."""
    found = {}
    for review in pull.reviews:
        if review.state in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED"):
            found[review.user.login] = review
    return found


def review_decision(repo: Repo, pull: Pull) -> str | None:
    """GitHub's `reviewDecision`; None if the branch requires no review and nobody requested changes."""
    rules = repo.rules.get(pull.base)
    writers = {login for login, level in repo.permissions.items() if level in ("write", "maintain", "admin")}
    states = [review.state for login, review in latest_reviews(pull).items() if login in writers]
    if "CHANGES_REQUESTED" in states:
        return "CHANGES_REQUESTED"
    if rules is None or not rules.approvals:
        return None
    return "APPROVED" if states.count("APPROVED") >= rules.approvals else "REVIEW_REQUIRED"


def check_states(repo: Repo, sha: str, *, app: int | None = None) -> dict[str, str]:
    """The newest state of each check and status on a commit: success, failure or pending; `app`: only its."""
    found = {}
    for status in repo.statuses:
        if status.sha == sha and app is None:
            found[status.context] = {"success": "success", "pending": "pending"}.get(status.state, "failure")
    for run in repo.checks:
        if run.head_sha == sha and app in (None, run.app.id):
            good = "success" if run.conclusion in _GOOD else "failure"
            found[run.name] = good if run.status == "completed" else "pending"
    return found


def has_conflict(repo: Repo, pull: Pull) -> bool:
    """Whether git cannot merge it. As on GitHub, this is computed once for each base and head."""
    ends = (str(repo.heads().get(pull.base)), pull.head_sha)
    if ends not in pull.conflicts:
        pull.conflicts[ends] = not _merges(repo, *ends)
    return pull.conflicts[ends]


def _merges(repo: Repo, base: str, head: str) -> bool:
    try:
        merge_trees(repo.git, base, head)
    except ApiError:
        return False
    return True


def _is_up_to_date(repo: Repo, pull: Pull) -> bool:
    return repo.git.is_ancestor(CommitSha(repo.heads()[pull.base]), CommitSha(pull.head_sha))


def find_violation(repo: Repo, pull: Pull, method: str) -> str:
    """What a ruleset says of this way of merging it, or ""."""
    rules = repo.rules.get(pull.base)
    if rules is None:
        return ""
    base = repo.heads()[pull.base]
    commits = repo.git.run("rev-list", f"{base}..{pull.head_sha}").decode().split()
    if rules.is_frozen:
        return "Cannot update this protected ref."
    if rules.linear and method == "merge":
        return "This branch must not contain merge commits."
    if rules.signed and not all((repo.git.git_dir / "verified" / sha).exists() for sha in commits):
        return "Commits must have verified signatures."
    return ""


def mergeable_state(repo: Repo, pull: Pull) -> str:
    """GitHub's `mergeable_state` of an open pull request."""
    if has_conflict(repo, pull):
        return "dirty"
    rules = repo.rules.get(pull.base)
    states = check_states(repo, pull.head_sha)
    required = rules.contexts if rules else ()
    sources = rules.sources if rules else {}
    ready = [check_states(repo, pull.head_sha, app=sources.get(name)).get(name) == "success" for name in required]
    if review_decision(repo, pull) not in (None, "APPROVED") or not all(ready):
        return "blocked"
    if rules is not None and rules.strict and not _is_up_to_date(repo, pull):
        return "behind"
    return "unstable" if any(state != "success" for state in states.values()) else "clean"
