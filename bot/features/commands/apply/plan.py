"""Plan an open pull request again and post the plan: the bot's own bump, or somebody else's that moves a pin."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from bot.domain.names import CommitSha, PlanId, PullNumber
from bot.features.bump import apply as bump_apply
from bot.features.bump import read as gather
from bot.features.bump.decide import decide_bump
from bot.features.bump.jobs import bump_branch
from bot.features.fleets.facts import Pinned
from bot.features.fleets.read import FleetAt
from bot.github.client import Client
from bot.github.endpoints.people import PullDetail
from bot.plan.model import Plan
from bot.plan.report.links import Links
from bot.planner.planner import read_plan
from bot.planner.snapshot import Snapshot

if TYPE_CHECKING:
    from bot.features.commands.run import CommandTools


def post_new_plan(tools: CommandTools, client: Client, at: FleetAt, pinned: Pinned, pull: PullDetail) -> Plan | None:
    """The new plan, posted; None when there is nothing to propose any more (the bump's note says why)."""
    if pull.head.ref == bump_branch(at.base, pinned.submodule):
        return _plan_bump(tools, client, at, pinned)
    return _plan_head(tools, client, at, pinned, pull)


def _plan_bump(tools: CommandTools, client: Client, at: FleetAt, pinned: Pinned) -> Plan | None:
    facts = gather.read_bump_facts(tools.bump, client, at, pinned)
    if facts is None:
        return None
    return bump_apply.apply_bump(tools.bump, client, at, facts, decide_bump(facts))


def _plan_head(tools: CommandTools, client: Client, at: FleetAt, pinned: Pinned, pull: PullDetail) -> Plan | None:
    """A person's pull request: from what the base pins to what its head pins, by its head's own files."""
    upstream, head = tools.fleets.mirrors.of(pinned.upstream), at.mirror.resolve(pull.head.sha)
    submodule = at.submodule(pinned.submodule)
    old_pin = at.mirror.pin_at(at.head, pinned.submodule)
    new_pin = at.mirror.pin_at(head, pinned.submodule) if head else None
    if head is None or new_pin is None or submodule is None or upstream.resolve(new_pin) is None:
        return None

    def snapshot(commit: CommitSha, pin: CommitSha) -> Snapshot:
        return Snapshot(fleet=at.mirror, commit=commit, submodule=pinned.submodule, upstream=upstream, pin=pin)

    known = old_pin is not None and upstream.resolve(old_pin) is not None
    forward = known and old_pin is not None and upstream.is_ancestor(old_pin, new_pin)
    made = read_plan(
        fleet=at.file,
        repo=at.repo,
        submodule=submodule,
        upstream_name=pinned.upstream,
        old=snapshot(at.head, old_pin) if known and old_pin else None,
        new=snapshot(head, new_pin),
        renderer=tools.bump.plans.renderer,
        commits=gather.read_commits(upstream, old_pin, new_pin) if forward else (),
        commits_total=upstream.count_between(old_pin, new_pin) if forward else 0,
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
