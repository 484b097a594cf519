"""Post the review check, and switch auto-merge where the fleet lets the bot do so."""

from __future__ import annotations

import hashlib
import logging
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from bot.domain.names import BranchName, CommitSha, PullNumber, RepoName
from bot.features.audit.facts import Audited, AuditRecord
from bot.features.outbox.facts import approval_scope
from bot.features.review.decide import ReviewDecision
from bot.features.review.facts import ReviewFacts
from bot.features.review.text import REVIEW_CHECK, describe_wait, describe_waiting, render_review
from bot.github.checks import ensure_check
from bot.github.client import Client
from bot.github.endpoints import merging, people
from bot.github.endpoints.merging import NotYetMergeable, TakenOut
from bot.github.endpoints.people import PullDetail
from bot.github.errors import GitHubError
from bot.text import markdown as md
from bot.text.times import iso_time, parse_time

if TYPE_CHECKING:
    from bot.features.review.run import ReviewTools

log = logging.getLogger(__name__)

_MERGEABLE = ("clean", "unstable", "has_hooks")
"""The states in which GitHub's rules are content: of the second, checks that nobody requires have not succeeded."""

NOT_KNOWN = "GitHub does not say whether this can be merged: merge it by hand, or push to it."


def apply_review(
    tools: ReviewTools, client: Client, repo: RepoName, pull: PullDetail, decision: ReviewDecision, *, is_last: bool
) -> bool:
    """Post the check and switch auto-merge; safe to run again after a crash at any line.

    False when GitHub has yet to find out whether it can be merged; on the last try (`is_last`) the check says so.
    """
    head = CommitSha(pull.head.sha)
    _post(tools, client, repo, pull, decision, head=head)
    if decision.by_hand:
        with suppress(GitHubError):  # it may be off already
            merging.disable_auto_merge(client, pull)
    try:
        note = _let_merge(client, repo, pull, is_on=not decision.auto_merge) if decision.by_itself else ""
    except TakenOut as taken:
        note = str(taken)
    except NotYetMergeable as unknown:
        log.info("%s", unknown)
        if not is_last:
            return False
        note = NOT_KNOWN
    if note:
        _post(tools, client, repo, pull, decision, head=head, note=note)
    return True


def keep_waiting(
    tools: ReviewTools, repo: RepoName, pull: PullDetail, facts: ReviewFacts, decision: ReviewDecision
) -> None:
    """Keep that the pull request waits for a person, or no more: for the notices and for the pages."""
    number, since = PullNumber(pull.number), parse_time(pull.created_at)
    conditions = describe_waiting(repo, facts, decision, number=number, since=since, url=pull.html_url)
    tools.outbox.replace(repo, approval_scope(number), conditions, now=int(tools.fleets.now()))
    tools.waiting.put(repo, number, describe_wait(facts, decision, number=number, title=pull.title, since=since))


def post_on_group(
    tools: ReviewTools,
    client: Client,
    repo: RepoName,
    pull: PullDetail,
    decision: ReviewDecision,
    *,
    group: CommitSha,
) -> None:
    """Post the check of `pull` on the commit that a merge queue made of it."""
    _post(tools, client, repo, pull, decision, head=group)


def _post(
    tools: ReviewTools,
    client: Client,
    repo: RepoName,
    pull: PullDetail,
    decision: ReviewDecision,
    *,
    head: CommitSha,
    note: str = "",
) -> None:
    """The check on `head`, and a line in the audit trail, when it says something new."""
    said = hashlib.sha256(
        msgspec.json.encode((decision.matched, decision.missing, decision.approved_by, decision.held, note))
    )
    digest = said.hexdigest()[:16]
    render = partial(render_review, decision, note=note)
    if not ensure_check(client, repo, head, REVIEW_CHECK, render, external_id=digest):
        return
    record = AuditRecord(
        what=Audited.REVIEW,
        fleet=repo,
        at=iso_time(tools.fleets.now()),
        actor=", ".join(decision.approved_by),
        pull=PullNumber(pull.number),
        reason=decision.missing,
        commit=head,
        state=decision.need,
    )
    tools.audit.append(f"review:{repo.lower()}:{head}:{digest}", record)


def _let_merge(client: Client, repo: RepoName, pull: PullDetail, *, is_on: bool) -> str:
    """Let GitHub merge it once all its own rules are content; what stood in the way of that, or "".

    `is_on`: auto-merge is switched on already. It waits for a branch that is behind, and updates none.
    """
    if pull.mergeable is None and pull.mergeable_state == "unknown":
        raise NotYetMergeable(f"GitHub has yet to find out whether {repo}#{pull.number} can be merged")
    if pull.mergeable_state == "behind":
        return _update(client, repo, pull)
    if is_on:
        return ""
    if pull.mergeable_state not in _MERGEABLE:
        # GitHub holds auto-merge to each new head's own check only where that check is required.
        sources = people.read_required_sources(client, repo, BranchName(pull.base.ref)).get(REVIEW_CHECK)
        if sources is None:
            return f"Auto-merge stays off: make `{REVIEW_CHECK}` a required check of the branch first."
        if client.app_id not in sources:
            return f"Auto-merge stays off: choose this App as the source of the required check `{REVIEW_CHECK}`."
        try:
            merging.enable_auto_merge(client, pull)
        except GitHubError as refused:
            if not any(f"{state} status" in refused.message for state in _MERGEABLE):
                return f"Auto-merge could not be switched on: {md.text(refused.message[:200])}"
        else:
            return ""
    try:
        # GitHub refuses auto-merge for what can be merged at once; the head is still the one that was judged.
        merging.merge_pull(client, repo, pull)
    except GitHubError as refused:
        return f"It could not be merged: {md.text(refused.message[:200])}"
    return ""


def _update(client: Client, repo: RepoName, pull: PullDetail) -> str:
    """Bring the base into the branch, where that is required; what stood in the way of that, or ""."""
    try:
        merging.update_branch(client, repo, pull)
    except GitHubError as refused:
        return f"Its branch could not be updated: {md.text(refused.message[:200])}"
    return ""
