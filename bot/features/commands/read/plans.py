"""Read the plans that a command may stand on: the pull request's own, one order's, and the later merge's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.names import CommitSha, PlanId, PullNumber, RepoName
from bot.features.bump.text import parse_marker
from bot.features.commands.facts.command import Position, PostedPlan, PullFacts
from bot.features.commands.grammar import Command, Misread
from bot.features.fleets.read import FleetAt
from bot.features.rollout.read.approval import find_approval, find_shown_plan
from bot.github.client import Client
from bot.github.endpoints import checks
from bot.github.endpoints.people import PullDetail
from bot.plan.report.check import CHECK_NAME
from bot.text.times import parse_time

if TYPE_CHECKING:
    from bot.features.commands.run import CommandTools


def read_plan(
    tools: CommandTools, client: Client, repo: RepoName, pull: PullDetail, written_at: str
) -> PostedPlan | None:
    """The plan that the pull request shows: the one of its head's check, else what its text still says.

    Of one that is merged, else the one that we posted last: an order is compared with it, whatever was pushed since.
    """
    head = CommitSha(pull.head.sha)
    posted = checks.find_own_checks(client, repo, head, name=CHECK_NAME)
    newest = max(posted, key=lambda run: run.id, default=None)
    marker = parse_marker(pull.body or "")
    found = newest.external_id if newest else marker.id if marker else None
    plans = tools.bump.plans.store
    plan = plans.find(PlanId(found)) if found else None
    if plan is None and pull.merged:
        found = plans.find_posted(repo, PullNumber(pull.number))
        plan = plans.find(found) if found else None
    if plan is None:
        return None
    ended = parse_time(newest.completed_at or "") if newest else 0
    return PostedPlan(
        id=plan.id,
        head=head if newest else None,
        base=plan.base,
        old=plan.old,
        new=plan.new,
        stacks=frozenset(stack.stack for node in plan.nodes for stack in node.stacks),
        posted_after=bool(written_at) and ended > parse_time(written_at),
    )


def find_order_plan(
    tools: CommandTools, repo: RepoName, pull: PullFacts, said: Command | Misread, *, base: Position | None
) -> PostedPlan | None:
    """The plan that the command names, if it was made for an order of exactly the commit that would be deployed."""
    named = said.plan if isinstance(said, Command) else None
    plan = tools.bump.plans.store.find(named) if named else None
    own = (pull.merge or pull.head, pull.pin)
    later = (base.commit, base.pin) if base and pull.merge else own
    if plan is None or plan.fleet != repo or (plan.base, plan.new) not in (own, later) or len(plan.nodes) != 1:
        return None
    return PostedPlan(
        id=plan.id,
        head=pull.head,
        base=plan.base,
        old=plan.old,
        new=plan.new,
        stacks=frozenset(stack.stack for stack in plan.nodes[0].stacks),
        for_order=True,
    )


def read_base_plan(
    tools: CommandTools, client: Client, at: FleetAt, pull: PullFacts, base: Position | None
) -> PlanId | None:
    """The plan of the merged pull request that moved the pin after `pull` was merged."""
    if pull.merge is None or base is None or base.commit == pull.merge:
        return None
    if at.mirror.resolve(pull.merge) is None or not at.mirror.is_ancestor(pull.merge, base.commit):
        return None
    approval = find_approval(client, at.mirror, at.repo, base=at.base, head=at.head, pinned_by=base.commit)
    if approval is None or approval.nodes is not None:
        return None
    return find_shown_plan(tools.bump.plans.store, at.repo, approval.pull)
