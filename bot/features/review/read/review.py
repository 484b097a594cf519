"""Read what a review decision is based on: changed files, rules and approvals of a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.names import BranchName, CommitSha, PullNumber, RepoName
from bot.features.fleets import read as fleets_read
from bot.features.fleets.facts import Pinned
from bot.features.fleets.read import FleetAt, NotAFleet
from bot.features.review.decide import asks_by_name, find_willing
from bot.features.review.facts import ReviewApproval, ReviewFacts
from bot.features.review.read.merge import MergeReads, read_merge
from bot.features.review.read.pusher import find_pusher
from bot.fleetfile import ReviewRules
from bot.fleetfile.problems import YamlFileError
from bot.github.client import Client
from bot.github.endpoints import people, repository
from bot.github.endpoints.people import PullDetail
from bot.github.endpoints.repository import MAX_PULL_FILES
from bot.github.errors import GitHubError
from bot.github.shapes import ReviewState

if TYPE_CHECKING:
    from bot.features.review.run import ReviewTools

_NO_DIFF = (406, 422)  # what GitHub answers for changes that are too many for it, or that it cannot compare now


def read_review_facts(tools: ReviewTools, client: Client, repo: RepoName, pull: PullDetail) -> ReviewFacts:
    pins = [pin for pin in tools.fleets.pins.pins_of(repo) if pin.base == pull.base.ref]
    fleets_read.fetch_all(tools.fleets, client, [repo, *(pin.upstream for pin in pins)])
    paths, complete = _read_paths(tools, client, repo, pull, pins)
    at = _read_fleet(tools, repo, BranchName(pull.base.ref))
    by_us = pull.user is not None and tools.fleets.app.is_own(pull.user.login)
    ours = by_us and not pull.is_from_fork(repo)
    rules = at.file.review if at is not None else ReviewRules()
    approvals = _read_approvals(client, repo, pull)
    author, head = pull.user.login if pull.user else "", CommitSha(pull.head.sha)
    pushed_by: str | None = ""
    if find_willing(approvals, author=author, head=head):
        pushed_by = find_pusher(client, tools.fleets.mirrors.of(repo), repo, pull)
    merge = MergeReads()
    if at is not None and not asks_by_name(paths, rules):
        merge = read_merge(tools, at, at.mirror.resolve(head), pins, paths, plan=ours and rules.auto_merge)
    return ReviewFacts(
        paths=paths,
        complete=complete,
        rules=rules,
        author=author,
        head=head,
        ours=ours,
        read=merge.read,
        blind=merge.blind,
        effect=merge.effect,
        approvals=approvals,
        pushed_by=pushed_by,
        auto_merge=pull.auto_merge is not None,
        draft=pull.draft,
        notify=at.file.notify if at is not None else None,
    )


def _read_fleet(tools: ReviewTools, repo: RepoName, base: BranchName) -> FleetAt | None:
    """The fleet at its base branch; without a usable file the built-in rules hold, and nothing merges by itself."""
    try:
        return fleets_read.read_fleet(tools.fleets, repo, base)
    except (NotAFleet, YamlFileError):
        return None


def _read_paths(
    tools: ReviewTools, client: Client, repo: RepoName, pull: PullDetail, pins: list[Pinned]
) -> tuple[tuple[str, ...], bool]:
    """Every changed path, both names of a rename; a moved pin stands for what changed inside the submodule."""
    try:
        files = repository.find_pull_files(client, repo, PullNumber(pull.number))
    except GitHubError as problem:
        if problem.status not in _NO_DIFF:
            raise
        return (), False
    named = dict.fromkeys(name for file in files for name in (file.filename, file.previous_filename) if name)
    complete = len(files) < MAX_PULL_FILES
    found: list[str] = []
    by_path = {pin.submodule: pin for pin in pins}
    for name in named:
        pin = next((pin for submodule, pin in by_path.items() if submodule == name), None)
        inside = _inside(tools, repo, pull, pin) if pin is not None else (name,)
        complete = complete and inside is not None
        found.extend(inside if inside is not None else (name,))
    return tuple(dict.fromkeys(found)), complete


def _inside(tools: ReviewTools, repo: RepoName, pull: PullDetail, pin: Pinned) -> tuple[str, ...] | None:
    fleet, upstream = tools.fleets.mirrors.of(repo), tools.fleets.mirrors.of(pin.upstream)
    head, base = fleet.resolve(pull.head.sha), fleet.resolve(f"refs/heads/{pull.base.ref}")
    old = fleet.pin_at(base, pin.submodule) if base else None
    new = fleet.pin_at(head, pin.submodule) if head else None
    if new is None or old is None or upstream.resolve(new) is None or upstream.resolve(old) is None:
        return None
    return tuple(f"{pin.submodule}/{path}" for path in upstream.changed_files(old, new))


def _read_approvals(client: Client, repo: RepoName, pull: PullDetail) -> tuple[ReviewApproval, ...]:
    newest = {
        review.user.login: review
        for review in people.find_reviews(client, repo, PullNumber(pull.number))
        if review.user is not None and review.user.type == "User" and review.state in frozenset(ReviewState)
    }
    return tuple(
        ReviewApproval(
            login=login,
            permission=people.read_permission(client, repo, login),
            approves=review.state == ReviewState.APPROVED,
            commit=CommitSha(review.commit_id) if review.commit_id else None,
        )
        for login, review in newest.items()
        if review.state != ReviewState.DISMISSED
    )
