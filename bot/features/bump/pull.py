"""Plan somebody's own pull request: post `aios/plan` on its head, so that a branch may require that check of all.

GitHub waits for a required check for ever, also on a pull request that has nothing to do with a pin.
"""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING

from msgspec.structs import replace

from bot.domain.names import CommitSha, NodeName, PlanId, SubmodulePath, short
from bot.features.bump.apply import post_plan_check
from bot.features.bump.jobs import PlanPull
from bot.features.bump.text import GroupPlan, render_group_check, render_no_pin, render_unplanned
from bot.features.fleets.facts import Pinned
from bot.features.fleets.jobs import Outcome
from bot.features.fleets.read import FleetAt, fetch_all, read_fleet_or_report
from bot.fleetfile import FLEET_FILE, parse_fleet
from bot.fleetfile.problems import YamlFileError
from bot.git.git import GitError, GitRepository, GitUnavailable
from bot.git.mirrors import Mirror
from bot.github.checks import ensure_check
from bot.github.client import Client
from bot.github.endpoints import checks, repository
from bot.plan.model import Plan
from bot.plan.report.check import CHECK_NAME, CheckText
from bot.plan.report.links import Links
from bot.planner.plans import find_revision, plan_between
from bot.text import markdown as md

if TYPE_CHECKING:
    from bot.features.bump.run import BumpTools

log = logging.getLogger(__name__)

NO_PLAN = "no pin moves"
"""What stands for a check that shows no plan, where a plan's id would stand."""


def plan_pull(tools: BumpTools, client: Client, job: PlanPull) -> Outcome:
    """Post the check on the head, unless it has one that still fits."""
    pins = [pin for pin in tools.fleets.pins.pins_of(job.fleet) if pin.base == job.base]
    if not pins:
        _post(client, job, render_no_pin(unfollowed=job.base))
        return ()
    mirror = tools.fleets.mirrors.of(job.fleet)
    head = _fetch_head(mirror, client, job)
    if head is None:
        return _look_again(tools, job)
    base = mirror.resolve(f"refs/heads/{job.base}")
    fork = mirror.merge_base(base, head) if base else None
    if fork is None:
        log.info("%s#%d: %s has nothing in common with %s", job.fleet, job.number, job.head, job.base)
        return ()
    if _is_merged(fork, head):
        return ()
    moved = [pin for pin in pins if _is_moved(mirror, pin, fork, head)]
    if moved:
        return _post_plans(tools, client, job, moved)
    _post(client, job, _render_rest(mirror, fork, head))
    return ()


def _fetch_head(mirror: Mirror, client: Client, job: PlanPull) -> CommitSha | None:
    """The head, or None where a fetch does not get it: not yet, or not any more."""
    try:
        mirror.fetch(client.token, pull=job.number, repair=False)
    except GitUnavailable:
        raise
    except GitError as problem:  # a new pull request's own ref may be missing
        log.info("%s#%d: %s", job.fleet, job.number, problem)
        mirror.fetch(client.token)
    return mirror.resolve(job.head)


def _look_again(tools: BumpTools, job: PlanPull) -> Outcome:
    log.info("%s#%d: %s is not the head yet, or not any more", job.fleet, job.number, job.head)
    return job.repeat(tools.fleets.now())


def _is_merged(fork: CommitSha, head: CommitSha) -> bool:
    """Whether the base holds `head` already. What the check on it says stays: it was approved."""
    return fork == head


def _is_moved(mirror: GitRepository, pinned: Pinned, fork: CommitSha, head: CommitSha) -> bool:
    """Whether `head` pins something else than the commit that it began at; a pin that is removed moves nothing."""
    return mirror.pin_at(head, pinned.submodule) not in (None, mirror.pin_at(fork, pinned.submodule))


def find_added_nodes(mirror: GitRepository, before: CommitSha, after: CommitSha) -> tuple[NodeName, ...]:
    """The nodes that the fleet file gets between two commits. Raises YamlFileError when the later one is wrong."""
    old, new = (mirror.read_file(commit, FLEET_FILE) for commit in (before, after))
    if new is None or old == new:
        return ()
    names = tuple(node.name for node in parse_fleet(new.decode("utf-8", "replace")).nodes)
    try:
        known = {node.name for node in parse_fleet((old or b"").decode("utf-8", "replace")).nodes}
    except YamlFileError:
        known = set()
    return tuple(name for name in names if name not in known)


def _render_rest(mirror: GitRepository, fork: CommitSha, head: CommitSha) -> CheckText:
    try:
        return render_no_pin(added=find_added_nodes(mirror, fork, head))
    except YamlFileError as problem:
        return render_unplanned([md.text(line) for line in str(problem).splitlines()])


def _post(client: Client, job: PlanPull, check: CheckText) -> None:
    """A check without a plan; its id covers what it says."""
    digest = hashlib.sha256(f"{check.title}\n{check.summary}".encode()).hexdigest()[:12]
    identity = f"{NO_PLAN}: {digest}"
    if ensure_check(client, job.fleet, job.head, CHECK_NAME, lambda: check, external_id=identity):
        log.info("pull request %d of %s: %s", job.number, job.fleet, check.title)


def _post_plans(tools: BumpTools, client: Client, job: PlanPull, moved: list[Pinned]) -> Outcome:
    """Plan every pin that moves, unless the head shows a plan: that one stays until somebody comments `/plan`.

    What is posted counts as approved by the merge, so nothing is posted after it. By git alone a squashed head looks
    as if it could still be merged.
    """
    if _shows_plan(client, job):
        return ()
    fetch_all(tools.fleets, client, [pin.upstream for pin in moved])
    at = read_fleet_or_report(tools.fleets, client, job.fleet, job.base)
    if at is None:
        return ()
    plans = [(pin, plan_head(tools, at, pin, job.head)) for pin in moved]
    now = repository.read_pull(client, job.fleet, job.number)
    if now.merged_at:
        log.info("%s#%d was merged while %s was planned", job.fleet, job.number, job.head)
        return ()
    if now.head.sha != job.head:
        return _look_again(tools, job)
    unknown = [pin.submodule for pin, plan in plans if plan is None]
    made = [(pin, plan) for pin, plan in plans if plan is not None]
    if unknown:
        _post(client, job, render_unplanned([_describe_unknown(at, path, job.head) for path in unknown]))
        return ()
    for _, plan in made:
        tools.plans.store.save(plan)
    shown_plans = [GroupPlan(plan=plan, beyond=(), links=link_plan(tools, at, pin, plan)) for pin, plan in made]
    if len(made) == 1:
        (one,) = shown_plans
        post_plan_check(client, job.fleet, job.head, one.plan, one.links, fresh=True)
        tools.plans.store.mark_posted(job.fleet, job.number, one.plan.id)
    else:
        check = render_group_check(shown_plans, number=job.number)
        identity = "+".join(one.plan.id for one in shown_plans)
        ensure_check(client, job.fleet, job.head, CHECK_NAME, lambda: check, external_id=identity, is_new_commit=True)
    log.info("pull request %d of %s moves %d pins", job.number, job.fleet, len(made))
    return ()


def _shows_plan(client: Client, job: PlanPull) -> bool:
    remembered = client.memory.find("check", job.fleet, job.head, CHECK_NAME)
    if remembered:
        return not str(remembered).startswith(NO_PLAN)
    shown = checks.find_own_checks(client, job.fleet, job.head, name=CHECK_NAME)
    return any(not (run.external_id or "").startswith(NO_PLAN) for run in shown)


def _describe_unknown(at: FleetAt, path: SubmodulePath, head: CommitSha) -> str:
    pin = at.mirror.pin_at(head, path)
    wanted = md.code(short(pin)) if pin else "nothing"
    return f"{md.code(path)} would be at {wanted}, which its repository does not have on any branch."


def plan_head(tools: BumpTools, at: FleetAt, pinned: Pinned, head: CommitSha) -> Plan | None:
    """Plan a person's commit: from what the base pins to what `head` pins, by the files of `head`.

    None when the fleet file leaves the submodule alone, or upstream does not have the commit. The plan's id covers
    base and head: either of them moving makes it another plan.
    """
    upstream, submodule = tools.fleets.mirrors.of(pinned.upstream), at.submodule(pinned.submodule)
    old = find_revision(at.mirror, upstream, at.head, pinned.submodule)
    new = find_revision(at.mirror, upstream, head, pinned.submodule)
    if new is None or submodule is None:
        return None
    made = plan_between(
        old,
        new,
        fleet=at.file,
        submodule=submodule,
        mirror=at.mirror,
        upstream=upstream,
        renderer=tools.plans.renderer,
        repo=at.repo,
        upstream_name=pinned.upstream,
        commits=(old.pin, new.pin) if old and upstream.is_ancestor(old.pin, new.pin) else None,
    )
    digest = hashlib.sha256(f"{made.id} {at.head} {new.commit}".encode()).hexdigest()
    return replace(made, id=PlanId(digest[:12]), base=at.head)


def link_plan(tools: BumpTools, at: FleetAt, pinned: Pinned, plan: Plan) -> Links:
    """Where the links of a plan's report lead."""
    web, page = tools.fleets.mirrors.web_url, tools.plans.page_of(plan)
    return Links(web=web, fleet=at.repo, upstream=pinned.upstream, details=page)
