"""Keeps the check `aios/review` on an open pull request, and auto-merge where the fleet lets the bot switch it on."""

from __future__ import annotations

import hashlib
import logging

import msgspec

from bot.domain.names import BranchName, CommitSha, PullNumber, RepoName
from bot.domain.values import Wire
from bot.features.audit.facts import Audited, Record
from bot.features.fleets import read as fleets_read
from bot.features.fleets.facts import Pinned
from bot.features.fleets.read import NotAFleet
from bot.features.review.decide import Approval, ReviewDecision, ReviewFacts, decide_review
from bot.features.review.jobs import SyncReview
from bot.features.review.text import REVIEW_CHECK, render_review
from bot.features.world import World
from bot.fleetfile import Fleet, ReviewRules
from bot.fleetfile.yaml_lines import YamlFileError
from bot.github import checks
from bot.github.client import Client, GitHubError
from bot.github.endpoints import people, repository
from bot.github.endpoints.people import PullDetail
from bot.text import markdown as md
from bot.text.times import iso_time

log = logging.getLogger(__name__)
MOST_FILES = 3000  # GitHub tells no more (REST: pulls/list-files)


class _File(Wire, frozen=True):
    filename: str
    previous_filename: str | None = None


class _Nothing(Wire, frozen=True):
    pass


def look_at_review(world: World, client: Client, look: SyncReview) -> None:
    """Say which rule asks for a review of this pull request, and whether it is there."""
    pull = people.read_pull_detail(client, look.fleet, look.number)
    if pull.state != "open":
        return
    facts = _read_facts(world, client, look.fleet, pull)
    decision = decide_review(facts)
    log.info("review of %s#%d: %s, missing: %s", look.fleet, pull.number, decision.need, decision.missing)
    _post(world, client, look.fleet, pull, decision, note="")
    if decision.by_hand:
        _switch(client, pull, on=False)
    if decision.auto_merge:
        note = _let_merge(client, look.fleet, pull)
        if note:
            _post(world, client, look.fleet, pull, decision, note=note)


def _read_facts(world: World, client: Client, repo: RepoName, pull: PullDetail) -> ReviewFacts:
    pins = [pin for pin in world.memory.pins_of(repo) if pin.base == pull.base.ref]
    fleets_read.fetch_all(world, client, [repo, *(pin.upstream for pin in pins)])
    paths, complete = _read_paths(world, client, repo, pull, pins)
    return ReviewFacts(
        paths=paths,
        complete=complete,
        rules=_read_rules(world, repo, BranchName(pull.base.ref)),
        author=pull.user.login if pull.user else "",
        head=CommitSha(pull.head.sha),
        ours=pull.user is not None and pull.user.login == world.app.login() and not pull.is_from_fork(repo),
        approvals=_read_approvals(client, repo, pull),
        auto_merge=pull.auto_merge is not None,
    )


def _read_rules(world: World, repo: RepoName, base: BranchName) -> ReviewRules:
    """The rules of the base branch; a file that cannot be read leaves the built-in ones, and no auto-merge."""
    try:
        file: Fleet = fleets_read.read_fleet(world, repo, base).file
    except (NotAFleet, YamlFileError):
        return ReviewRules()
    return file.review


def _read_paths(
    world: World, client: Client, repo: RepoName, pull: PullDetail, pins: list[Pinned]
) -> tuple[tuple[str, ...], bool]:
    """Every changed path, both names of a rename; a moved pin stands for what changed inside the submodule."""
    path = f"/repos/{repo}/pulls/{pull.number}/files"
    files = client.list(path, _File, most=MOST_FILES)
    named = dict.fromkeys(name for file in files for name in (file.filename, file.previous_filename) if name)
    complete = len(files) < MOST_FILES
    found: list[str] = []
    by_path = {pin.submodule: pin for pin in pins}
    for name in named:
        pin = next((pin for submodule, pin in by_path.items() if submodule == name), None)
        inside = _inside(world, repo, pull, pin) if pin is not None else (name,)
        complete = complete and inside is not None
        found.extend(inside if inside is not None else (name,))
    return tuple(dict.fromkeys(found)), complete


def _inside(world: World, repo: RepoName, pull: PullDetail, pin: Pinned) -> tuple[str, ...] | None:
    fleet, upstream = world.mirror(repo), world.mirror(pin.upstream)
    head, base = fleet.resolve(pull.head.sha), fleet.resolve(f"refs/heads/{pull.base.ref}")
    old = fleet.pin_at(base, pin.submodule) if base else None
    new = fleet.pin_at(head, pin.submodule) if head else None
    if new is None or old is None or upstream.resolve(new) is None or upstream.resolve(old) is None:
        return None
    return tuple(f"{pin.submodule}/{path}" for path in upstream.changed_files(old, new))


def _read_approvals(client: Client, repo: RepoName, pull: PullDetail) -> tuple[Approval, ...]:
    newest = {
        review.user.login: review
        for review in people.find_reviews(client, repo, PullNumber(pull.number))
        if review.user is not None
        and review.user.type == "User"
        and review.state in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")
    }
    return tuple(
        Approval(
            login=login,
            permission=people.read_permission(client, repo, login),
            approves=review.state == "APPROVED",
            commit=CommitSha(review.commit_id) if review.commit_id else None,
        )
        for login, review in newest.items()
        if review.state != "DISMISSED"
    )


def _post(
    world: World, client: Client, repo: RepoName, pull: PullDetail, decision: ReviewDecision, *, note: str
) -> None:
    """The check on the head, and a line in the audit trail, when it says something new."""
    said = hashlib.sha256(msgspec.json.encode((decision.matched, decision.missing, decision.approved_by, note)))
    digest = said.hexdigest()[:16]
    head = CommitSha(pull.head.sha)
    posted = repository.find_checks(client, repo, head, name=REVIEW_CHECK)
    if any(run.external_id == digest for run in posted):
        return
    checks.post_check(client, repo, head, REVIEW_CHECK, render_review(decision, note=note), external_id=digest)
    record = Record(
        what=Audited.REVIEW,
        fleet=repo,
        at=iso_time(world.now()),
        actor=", ".join(decision.approved_by),
        pull=PullNumber(pull.number),
        reason=decision.missing,
        commit=head,
        state=decision.need,
    )
    world.people.record(f"review:{repo.lower()}:{head}:{digest}", record)


def _let_merge(client: Client, repo: RepoName, pull: PullDetail) -> str:
    """Let GitHub merge it once all its own rules are content; what stood in the way of that, or ""."""
    if pull.mergeable_state != "clean":
        # GitHub holds auto-merge to each new head's own check only where that check is required.
        if REVIEW_CHECK not in people.required_checks(client, repo, BranchName(pull.base.ref)):
            return f"Auto-merge stays off: make `{REVIEW_CHECK}` a required check of the branch first."
        problem = _switch(client, pull, on=True)
        if problem is None:
            return ""
        if "clean status" not in problem:
            return f"Auto-merge could not be switched on: {md.text(problem[:200])}"
    try:
        # GitHub refuses auto-merge for what can be merged at once; the head is still the one that was judged.
        client.send("PUT", f"/repos/{repo}/pulls/{pull.number}/merge", {"sha": pull.head.sha})
    except GitHubError as refused:
        return f"It could not be merged: {md.text(refused.said[:200])}"
    return ""


def _switch(client: Client, pull: PullDetail, *, on: bool) -> str | None:
    """Switch auto-merge on or off; GitHub's own words when it refuses."""
    try:
        if on:
            query = (
                "mutation($pull: ID!, $head: GitObjectID!) { enablePullRequestAutoMerge(input: "
                "{pullRequestId: $pull, expectedHeadOid: $head}) { pullRequest { number } } }"
            )
            client.ask(query, _Nothing, pull=pull.node_id, head=pull.head.sha)
        else:
            query = (
                "mutation($pull: ID!) { disablePullRequestAutoMerge(input: {pullRequestId: $pull}) "
                "{ pullRequest { number } } }"
            )
            client.ask(query, _Nothing, pull=pull.node_id)
    except GitHubError as problem:
        return problem.said
    return None
