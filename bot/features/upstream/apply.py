"""A pull request of an upstream, read and told: its plan for every fleet that follows its base branch."""

from __future__ import annotations

import hashlib
import logging

from bot.domain.names import BranchName, CommitSha, PullNumber, RepoName
from bot.features.bump import apply as perform
from bot.features.fleets import read as fleets_read
from bot.features.fleets.facts import Pinned
from bot.features.fleets.read import NotAFleet
from bot.features.review.jobs import SyncReview
from bot.features.upstream.decide import FleetFacts, ShownReason, decide_shown
from bot.features.upstream.jobs import SyncUpstream, SyncUpstreamPull
from bot.features.upstream.text import FleetPlan, UpstreamView, render_upstream_check, render_upstream_comment
from bot.features.world import World
from bot.fleetfile.yaml_lines import YamlFileError
from bot.github import checks
from bot.github.client import Client
from bot.github.endpoints import repository
from bot.github.endpoints.repository import Pull
from bot.plan.model import Plan
from bot.plan.report.links import Links
from bot.planner.plans import Revision, plan_between
from bot.service import metrics
from bot.text import markers

log = logging.getLogger(__name__)

UPSTREAM_CHECK = "aios/fleets"


def look_at_upstream(client: Client, look: SyncUpstream) -> tuple[SyncUpstreamPull | SyncReview, ...]:
    """For each open pull request: what it would do to the fleets, and whether it is reviewed."""
    numbers = [PullNumber(pull.number) for pull in repository.find_open_pulls(client, look.upstream)]
    installation = look.installation
    plans = (SyncUpstreamPull(upstream=look.upstream, installation=installation, number=one) for one in numbers)
    reviews = (SyncReview(fleet=look.upstream, installation=installation, number=one) for one in numbers)
    return (*plans, *reviews)


def look_at_upstream_pull(world: World, client: Client, look: SyncUpstreamPull) -> None:
    """Plan the pull request for every fleet that may be shown, and say so under it. One that is closed is left."""
    pull = repository.read_pull(client, look.upstream, look.number)
    if pull.state != "open":
        return
    pins = _shown(world, client, look, BranchName(pull.base.ref))
    if not pins:
        return
    fleets_read.fetch_all(world, client, [pin.fleet for pin in pins])
    world.mirror(look.upstream).fetch(client.token, pull=look.number)
    view = _read_view(world, look.upstream, look.number, pull, pins)
    if view is None or not (view.plans or view.broken):
        return
    for one in view.plans:
        world.memory.save_plan(one.plan)
    _post(world, client, look, view)


def _shown(world: World, client: Client, look: SyncUpstreamPull, base: BranchName) -> list[Pinned]:
    """The pins whose plan may be shown there."""
    shown = []
    upstream = repository.find_repository(client, look.upstream)
    for pin in world.memory.pinned_by(look.upstream):
        ours = pin.installation == look.installation
        fleet = repository.find_repository(client, pin.fleet) if ours and pin.tracked == base else None
        facts = FleetFacts(
            follows=pin.tracked == base,
            same_installation=ours,
            fleet_private=fleet is None or fleet.private,
            upstream_private=upstream is not None and upstream.private,
            wish=pin.show_upstream,
        )
        reason = decide_shown(facts)
        metrics.DECISIONS.count(look="upstream", reason=reason)
        if reason is ShownReason.SHOWN:
            shown.append(pin)
        log.info("pull request %d of %s, for %s: %s", look.number, look.upstream, pin.fleet, reason)
    return shown


def _read_view(
    world: World, upstream: RepoName, number: PullNumber, pull: Pull, pins: list[Pinned]
) -> UpstreamView | None:
    mirror = world.mirror(upstream)
    head, base = mirror.resolve(f"refs/pull/{number}/head"), mirror.resolve(f"refs/heads/{pull.base.ref}")
    fork = mirror.merge_base(base, head) if head and base else None
    if head is None or fork is None:
        log.info("pull request %d of %s has nothing in common with %s", number, upstream, pull.base.ref)
        return None
    plans, broken = [], []
    for pin in pins:
        try:
            plan = _read_plan(world, pin, fork, head)
        except NotAFleet:
            continue
        except YamlFileError:
            broken.append(pin.fleet)
            continue
        if plan is not None:
            page = perform.plan_page(world, plan)
            links = Links(web=world.web_url, fleet=pin.fleet, upstream=upstream, details=page)
            plans.append(FleetPlan(fleet=pin.fleet, base=pin.base, plan=plan, links=links))
    return UpstreamView(
        base=BranchName(pull.base.ref), fork=fork, head=head, plans=tuple(plans), broken=tuple(dict.fromkeys(broken))
    )


def _read_plan(world: World, pin: Pinned, fork: CommitSha, head: CommitSha) -> Plan | None:
    at = fleets_read.read_fleet(world, pin.fleet, pin.base)
    submodule = at.submodule(pin.submodule)
    if submodule is None:
        return None
    mirror = world.mirror(pin.upstream)
    return plan_between(
        Revision(at.head, fork),
        Revision(at.head, head),
        fleet=at.file,
        submodule=submodule,
        mirror=at.mirror,
        upstream=mirror,
        renderer=world.renderer,
        repo=at.repo,
        upstream_name=pin.upstream,
        commits=(fork, head),
    )


def _post(world: World, client: Client, look: SyncUpstreamPull, view: UpstreamView) -> None:
    said = hashlib.sha256(" ".join(one.plan.id for one in view.plans).encode()).hexdigest()[:12]
    posted = repository.find_checks(client, look.upstream, view.head, name=UPSTREAM_CHECK)
    if not any(run.external_id == said for run in posted):
        check = render_upstream_check(view)
        checks.post_check(client, look.upstream, view.head, UPSTREAM_CHECK, check, external_id=said)
    body = render_upstream_comment(view)
    perform.put_comment(world, client, look.upstream, look.number, marker=markers.UPSTREAM, body=body)
