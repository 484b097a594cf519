"""Makes the plan of an open pull request anew, and posts it: the bot's own bump, or a person's that moves a pin."""

from __future__ import annotations

import hashlib

import msgspec

from bot.domain.names import CommitSha, PlanId, PullNumber
from bot.features.bump import apply as perform
from bot.features.bump import read as gather
from bot.features.bump.decide import Hold, Propose, Settle, decide_bump
from bot.features.bump.jobs import bump_branch
from bot.features.fleets.facts import Pinned
from bot.features.fleets.read import FleetAt
from bot.features.world import World
from bot.github.client import Client
from bot.github.endpoints import repository
from bot.github.endpoints.people import PullDetail
from bot.plan.model import Plan
from bot.plan.report.check import CHECK_NAME
from bot.plan.report.links import Links
from bot.planner.plans import find_revision, plan_between


def make_plan_anew(world: World, client: Client, at: FleetAt, pinned: Pinned, pull: PullDetail) -> Plan | None:
    """The new plan, posted; None when the bump is no longer one (its own note says why)."""
    if pull.head.ref == bump_branch(at.base, pinned.submodule):
        return _plan_bump(world, client, at, pinned)
    return _plan_head(world, client, at, pinned, pull)


def _plan_bump(world: World, client: Client, at: FleetAt, pinned: Pinned) -> Plan | None:
    facts = gather.read_bump_facts(world, client, at, pinned)
    if facts is None:
        return None
    match decide_bump(facts):
        case Propose() as decision:
            return perform.propose(world, client, at, facts, decision)
        case Settle() as decision:
            perform.settle(world, client, facts, decision)
        case Hold() as decision:
            perform.hold(world, client, facts, decision)
    return None


def _plan_head(world: World, client: Client, at: FleetAt, pinned: Pinned, pull: PullDetail) -> Plan | None:
    """A person's pull request: from what the base pins to what its head pins, by its head's own files."""
    upstream, submodule = world.mirror(pinned.upstream), at.submodule(pinned.submodule)
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
        renderer=world.renderer,
        repo=at.repo,
        upstream_name=pinned.upstream,
        commits=(old.pin, new.pin) if old and upstream.is_ancestor(old.pin, new.pin) else None,
    )
    plan = _bind(made, base=at.head, head=head)
    world.memory.save_plan(plan)
    links = Links(web=world.web_url, fleet=at.repo, upstream=pinned.upstream, details=perform.plan_page(world, plan))
    posted = repository.find_checks(client, at.repo, head, name=CHECK_NAME)
    if not any(run.external_id == plan.id for run in posted):
        perform.post_plan_check(client, at.repo, head, plan, links)
    world.people.plan_was_posted(at.repo, PullNumber(pull.number), plan.id)
    return plan


def _bind(plan: Plan, *, base: CommitSha, head: CommitSha) -> Plan:
    """The plan under an id that covers base and head: either of them moving makes it another plan."""
    digest = hashlib.sha256(f"{plan.id} {base} {head}".encode()).hexdigest()
    return msgspec.structs.replace(plan, id=PlanId(digest[:12]), base=base)
