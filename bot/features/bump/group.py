"""Answer a merge queue: plan the commit that it made of a pull request, and post `aios/plan` on it.

The queue waits for the required checks of that commit, and for nothing else. Its plan is held to the one that the
pull request shows, which is what the people who put it into the queue have read.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from bot.features.bump.jobs import PlanGroup
from bot.features.bump.pull import NO_PLAN, find_added_nodes
from bot.features.bump.text import GroupPlan, render_group_check, render_group_note
from bot.features.fleets.facts import Pinned
from bot.features.fleets.jobs import Outcome
from bot.features.fleets.read import FleetAt, fetch_all, fetch_fleet
from bot.github.checks import ensure_check
from bot.github.client import Client
from bot.github.comments import put_comment
from bot.plan.approval import find_node, find_unapproved
from bot.plan.model import Plan
from bot.plan.report.check import CHECK_NAME
from bot.plan.report.links import Links
from bot.planner.plans import Revision, find_revision, plan_between
from bot.text import markers

if TYPE_CHECKING:
    from bot.features.bump.run import BumpTools

log = logging.getLogger(__name__)


def plan_group(tools: BumpTools, client: Client, job: PlanGroup) -> Outcome:
    """Post the check on the group's commit; a group that fails it is reported in the pull request too."""
    pins = [pin for pin in tools.fleets.pins.pins_of(job.fleet) if pin.base == job.base]
    fetch_all(tools.fleets, client, [pin.upstream for pin in pins])
    at, _ = fetch_fleet(tools.fleets, client, job.fleet, job.branch)
    if at is None or at.head != job.head:
        log.info("%s: the merge group %s is gone", job.fleet, job.branch)
        return ()
    shown = tools.plans.store.find_posted(job.fleet, job.number)
    approved = tools.plans.store.find(shown) if shown else None
    judged = tuple(one for one in (_judge_pin(tools, at, job, pin, approved) for pin in pins) if one is not None)
    check = render_group_check(judged, number=job.number, added=find_added_nodes(at.mirror, job.parent, job.head))
    details = judged[0].links.details if judged else ""
    identity = "+".join(one.plan.id for one in judged) or NO_PLAN
    ensure_check(client, job.fleet, job.head, CHECK_NAME, lambda: check, external_id=identity, details_url=details)
    log.info("merge group of %s#%d: %s", job.fleet, job.number, check.conclusion)
    if check.conclusion == "failure":
        note = render_group_note(judged)
        login = tools.fleets.app.login()
        put_comment(client, job.fleet, job.number, marker=markers.QUEUE, body=note, login=login)
    return ()


def _judge_pin(tools: BumpTools, at: FleetAt, job: PlanGroup, pin: Pinned, approved: Plan | None) -> GroupPlan | None:
    """The plan of one pin that the group moves, with what goes beyond `approved`; None when it does not move it."""
    submodule, path = at.submodule(pin.submodule), pin.submodule
    upstream = tools.fleets.mirrors.of(pin.upstream)
    before, after = (find_revision(at.mirror, upstream, commit, path) for commit in (job.parent, job.head))
    if submodule is None or after is None or before is None or before.pin == after.pin:
        return None
    given = at.mirror.last_change(job.parent, path)  # as in the pull request: what nodes were given last
    plan = plan_between(
        Revision(given or before.commit, before.pin),
        after,
        fleet=at.file,
        submodule=submodule,
        mirror=at.mirror,
        upstream=upstream,
        renderer=tools.plans.renderer,
        repo=job.fleet,
        upstream_name=pin.upstream,
        commits=(before.pin, after.pin),
    )
    tools.plans.store.save(plan)
    links = Links(
        web=tools.fleets.mirrors.web_url, fleet=job.fleet, upstream=pin.upstream, details=tools.plans.page_of(plan)
    )
    held_to = approved if approved is not None and approved.submodule == path else None
    return GroupPlan(plan=plan, beyond=_find_beyond(plan, held_to), links=links)


def _find_beyond(plan: Plan, approved: Plan | None) -> tuple[str, ...]:
    if approved is None:
        return ()
    found: list[str] = []
    for node in plan.nodes:
        known = find_node(approved, node.node)
        lines = find_unapproved(node, known) if known else ("the approved plan says nothing of this node",)
        found += [f"{node.node}: {line}" for line in lines]
    return tuple(found)
