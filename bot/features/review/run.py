"""Keep the check `aios/review` on an open pull request: read, decide, apply."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from bot.features.audit.store import AuditTrail
from bot.features.bump.read import PlanTools
from bot.features.fleets.jobs import Outcome
from bot.features.fleets.run import FleetTools
from bot.features.outbox.pulls import WaitingPulls
from bot.features.outbox.store import Outbox
from bot.features.review.apply import apply_review, keep_waiting, post_on_group
from bot.features.review.decide import decide_review
from bot.features.review.jobs import ReviewGroup, SyncReview
from bot.features.review.read.review import read_review_facts
from bot.github.client import Client
from bot.github.endpoints import people

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReviewTools:
    """What the review check uses."""

    fleets: FleetTools
    plans: PlanTools
    audit: AuditTrail
    outbox: Outbox
    waiting: WaitingPulls


def sync_review(tools: ReviewTools, client: Client, job: SyncReview) -> Outcome:
    """Post which rule asks for a review of this pull request, and whether it is there."""
    pull = people.read_pull_detail(client, job.fleet, job.number)
    again = job.again(tools.fleets.now())
    if again is not None and job.head not in (None, pull.head.sha):
        log.info("review of %s#%d: GitHub does not show %s yet, or not any more", job.fleet, pull.number, job.head)
        return (again,)
    if pull.state != "open":
        return ()
    facts = read_review_facts(tools, client, job.fleet, pull)
    decision = decide_review(facts)
    log.info("review of %s#%d: %s, missing: %s", job.fleet, pull.number, decision.need, decision.missing)
    is_done = apply_review(tools, client, job.fleet, pull, decision, is_last=again is None)
    keep_waiting(tools, job.fleet, pull, facts, decision)
    return () if is_done or again is None else (again,)


def review_group(tools: ReviewTools, client: Client, job: ReviewGroup) -> Outcome:
    """Post on a merge queue's commit what the review check of its pull request says now."""
    pull = people.read_pull_detail(client, job.fleet, job.number)
    if pull.state == "open":
        decision = decide_review(read_review_facts(tools, client, job.fleet, pull))
        log.info("merge group of %s#%d: review missing: %s", job.fleet, pull.number, decision.missing)
        post_on_group(tools, client, job.fleet, pull, decision, group=job.head)
    return ()
