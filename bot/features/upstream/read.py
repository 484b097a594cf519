"""Read an upstream's pull request, and plan it for every fleet that follows its base branch."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from bot.domain.names import BranchName, CommitSha, PullNumber, RepoName
from bot.features.fleets import read as fleets_read
from bot.features.fleets.facts import Pinned
from bot.features.fleets.read import NotAFleet
from bot.features.upstream.decide import FleetFacts, ShownReason, decide_shown
from bot.features.upstream.jobs import SyncUpstreamPull
from bot.features.upstream.text import FleetPlan, UpstreamView
from bot.fleetfile.problems import YamlFileError
from bot.github.client import Client
from bot.github.endpoints import repository
from bot.github.endpoints.repository import Pull
from bot.observability.metrics import decision_counter
from bot.plan.model import Plan
from bot.plan.report.links import Links
from bot.planner.plans import Revision, plan_between

if TYPE_CHECKING:
    from bot.features.upstream.run import UpstreamTools

log = logging.getLogger(__name__)
_count_decision = decision_counter("upstream", ShownReason)


def find_shown_pins(tools: UpstreamTools, client: Client, job: SyncUpstreamPull, base: BranchName) -> list[Pinned]:
    """The pins whose plan may be shown there."""
    shown = []
    upstream = repository.find_repository(client, job.upstream)
    for pin in tools.fleets.pins.pinned_by(job.upstream):
        ours = pin.installation == job.installation
        fleet = repository.find_repository(client, pin.fleet) if ours and pin.tracked == base else None
        facts = FleetFacts(
            follows=pin.tracked == base,
            same_installation=ours,
            fleet_private=fleet is None or fleet.private,
            upstream_private=upstream is not None and upstream.private,
            wish=pin.show_upstream,
        )
        reason = decide_shown(facts)
        _count_decision(reason)
        if reason is ShownReason.SHOWN:
            shown.append(pin)
        log.info("pull request %d of %s, for %s: %s", job.number, job.upstream, pin.fleet, reason)
    return shown


def read_upstream_view(
    tools: UpstreamTools, upstream: RepoName, number: PullNumber, pull: Pull, pins: list[Pinned]
) -> UpstreamView | None:
    mirror = tools.fleets.mirrors.of(upstream)
    head, base = mirror.resolve(f"refs/pull/{number}/head"), mirror.resolve(f"refs/heads/{pull.base.ref}")
    fork = mirror.merge_base(base, head) if head and base else None
    if head is None or fork is None:
        log.info("pull request %d of %s has nothing in common with %s", number, upstream, pull.base.ref)
        return None
    plans, broken = [], []
    for pin in pins:
        try:
            plan = _read_plan(tools, pin, fork, head)
        except NotAFleet:
            continue
        except YamlFileError:
            broken.append(pin.fleet)
            continue
        if plan is not None:
            page = tools.plans.page_of(plan)
            links = Links(web=tools.fleets.mirrors.web_url, fleet=pin.fleet, upstream=upstream, details=page)
            plans.append(FleetPlan(fleet=pin.fleet, base=pin.base, plan=plan, links=links))
    return UpstreamView(
        base=BranchName(pull.base.ref), fork=fork, head=head, plans=tuple(plans), broken=tuple(dict.fromkeys(broken))
    )


def _read_plan(tools: UpstreamTools, pin: Pinned, fork: CommitSha, head: CommitSha) -> Plan | None:
    at = fleets_read.read_fleet(tools.fleets, pin.fleet, pin.base)
    submodule = at.submodule(pin.submodule)
    if submodule is None:
        return None
    return plan_between(
        Revision(at.head, fork),
        Revision(at.head, head),
        fleet=at.file,
        submodule=submodule,
        mirror=at.mirror,
        upstream=tools.fleets.mirrors.of(pin.upstream),
        renderer=tools.plans.renderer,
        repo=at.repo,
        upstream_name=pin.upstream,
        commits=(fork, head),
    )
