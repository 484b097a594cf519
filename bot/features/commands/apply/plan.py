"""Plan an open pull request again and post the plan: the bot's own bump, or somebody else's that moves a pin."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from bot.domain.names import CommitSha, PlanId, PullNumber
from bot.features.bump import apply as bump_apply
from bot.features.bump import read as gather
from bot.features.bump.decide import decide_bump
from bot.features.bump.facts import BumpFacts
from bot.features.bump.jobs import bump_branch
from bot.features.fleets.facts import Pinned
from bot.features.fleets.read import FleetAt
from bot.github.client import Client
from bot.github.endpoints.people import PullDetail
from bot.plan.model import Plan
from bot.plan.report.links import Links
from bot.planner.plans import find_revision, plan_between

if TYPE_CHECKING:
    from bot.features.commands.run import CommandTools


def post_new_plan(tools: CommandTools, client: Client, at: FleetAt, pinned: Pinned, pull: PullDetail) -> Plan | None:
    """The new plan, posted; None when there is nothing to propose any more (the bump's note says why)."""
    if pull.head.ref == bump_branch(at.base, pinned.submodule):
        facts = gather.read_bump_facts(tools.bump, client, at, pinned)
        if facts is None:
            return None
        if facts.branch is None or not facts.branch.people:
            return _plan_bump(tools, client, at, facts)
    return _plan_head(tools, client, at, pinned, pull)


def _plan_bump(tools: CommandTools, client: Client, at: FleetAt, facts: BumpFacts) -> Plan | None:
    return bump_apply.apply_bump(tools.bump, client, at, facts, decide_bump(facts))


def _plan_head(tools: CommandTools, client: Client, at: FleetAt, pinned: Pinned, pull: PullDetail) -> Plan | None:
    """Plan somebody else's pull request: from what the base pins to what its head pins, by its head's own files."""
    upstream, submodule = tools.fleets.mirrors.of(pinned.upstream), at.submodule(pinned.submodule)
    old = find_revision(at.mirror, upstream, at.head, pinned.submodule)
    new = find_revision(at.mirror, upstream, pull.head.sha, pinned.submodule)
    if new is None or submodule is None:
        return None
    head = new.commit
    made = plan_between(
        old,
        new,
        fleet=at.file,
        submodule=submodule,
        mirror=at.mirror,
        upstream=upstream,
        renderer=tools.bump.plans.renderer,
        repo=at.repo,
        upstream_name=pinned.upstream,
        commits=(old.pin, new.pin) if old and upstream.is_ancestor(old.pin, new.pin) else None,
    )
    plan = _bind(made, base=at.head, head=head)
    tools.bump.plans.store.save(plan)
    links = Links(
        web=tools.fleets.mirrors.web_url,
        fleet=at.repo,
        upstream=pinned.upstream,
        details=tools.bump.plans.page_of(plan),
    )
    bump_apply.post_plan_check(client, at.repo, head, plan, links)
    tools.bump.plans.store.mark_posted(at.repo, PullNumber(pull.number), plan.id)
    return plan


def _bind(plan: Plan, *, base: CommitSha, head: CommitSha) -> Plan:
    """The plan under an id that covers base and head: either of them moving makes it another plan."""
    digest = hashlib.sha256(f"{plan.id} {base} {head}".encode()).hexdigest()
    return msgspec.structs.replace(plan, id=PlanId(digest[:12]), base=base)
