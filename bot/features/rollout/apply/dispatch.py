"""Gives orders to nodes: the one place that makes deployments, signs orders and dispatches the fleet's workflow.

Safe to run again after a crash at any line: what was made before is found by its task and its payload's marker.
A node gets one order at a time; `give_order` answers Waiting while another is in flight, and the next look at
the fleet (the other's end is an event) gives it then.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from bot.domain.errors import BotError, RetryLater
from bot.domain.names import DeploymentId, PullNumber, RepoName, short
from bot.features.fleets.read import FleetAt
from bot.features.rollout.apply.approval import check_approval, check_readable
from bot.features.rollout.apply.order_plan import read_order_plan
from bot.features.rollout.apply.signing import sign_order
from bot.features.rollout.decide.agents import TOO_OLD, AgentReason, decide_agent, reads_tree
from bot.features.rollout.decide.deployed import find_deployed
from bot.features.rollout.decide.orders import (
    TOLD_AFTER,
    KnownOrder,
    Wait,
    decide_order,
    deployment_task,
    describe_deployment,
    find_next_try,
    stage_of,
)
from bot.features.rollout.facts import PastOrder
from bot.features.rollout.read.reports import find_newest_report
from bot.features.rollout.text import say_not_started, say_not_started_yet
from bot.github.client import Client
from bot.github.endpoints import deployments, repository, workflows
from bot.github.errors import GitHubError, Unavailable
from bot.plan.model import Plan
from bot.plan.order import OrderRequest, compose_order
from bot.protocol.order import PlanStart

if TYPE_CHECKING:
    from bot.features.rollout.run import RolloutTools

log = logging.getLogger(__name__)


class HeadMoved(BotError):  # noqa: N818 - an answer, not a failure
    """The pull request's head is no longer the commit that the order was asked for."""


class NotStarted(RetryLater):
    """GitHub does not start the workflow of an order, for a while already, and does not say that it never will."""


class Waiting(NamedTuple):
    """Not given yet: `behind` is in flight on that node. Ask again when it has ended."""

    behind: PastOrder


def give_order(
    tools: RolloutTools, client: Client, at: FleetAt, wanted: OrderRequest, past: tuple[PastOrder, ...]
) -> PastOrder | Waiting:
    """Make sure that the node has the order that is `wanted`, and say how far it is. `past` comes from read_orders.

    Raises HeadMoved when the commit is to be a pull request's head and no longer is, PinUnknown when nobody has the
    pinned commit, StacksUnreadable when a stack of the order cannot be analysed, PlanDiffers when the order would do
    more than was approved, and NotStarted when GitHub does not start it.
    """
    decision = decide_order(wanted, past)
    if isinstance(decision, KnownOrder):
        return decision.order
    if isinstance(decision, Wait):
        return Waiting(decision.behind)
    if wanted.head_of is not None:
        _check_head(client, wanted, wanted.head_of)
    deployed = find_deployed(past, wanted.submodule.path)
    found = read_order_plan(tools, at, wanted, past)
    plan = found.plan
    tools.plans.store.save(plan)
    check_readable(wanted, plan, prefix=at.file.commands.prefix)
    check_approval(tools, client, at, wanted, plan=plan, since=found.since)
    if decision.withdraw is not None:
        withdraw_order(client, wanted.fleet, decision.withdraw, because=f"{short(wanted.commit)} follows")
    number = decision.number or _make_deployment(tools, client, wanted, plan)
    newest = find_newest_report(tools.statuses, wanted.fleet, past)
    chosen = decide_agent(at.file.deploy, newest)
    order = compose_order(
        wanted,
        plan.nodes[0],
        plan_id=plan.id,
        start=PlanStart(commit=deployed.newest.commit, pin=deployed.newest.pin) if deployed.newest else None,
        number=number,
        now=int(tools.fleets.now()),
        agent=chosen.agent,
        tree=plan.tree if reads_tree(newest, is_first=not past) else "",
    )
    remark = TOO_OLD if chosen.reason is AgentReason.TOO_OLD else ""
    envelope = sign_order(order, *tools.order_keys())
    try:
        sent = _dispatch(client, at.file.deploy.workflow, wanted, number, envelope, remark=remark)
    except Unavailable as problem:
        made_at = next((o.made_at or o.queued_at for o in past if o.number == decision.number), 0)
        raise _judge_outage(problem, at.file.deploy.workflow, made_at or order.issued, now=order.issued) from problem
    return msgspec.structs.replace(sent, queued_at=order.issued, updated_at=order.issued)


def _judge_outage(problem: Unavailable, workflow: str, made_at: int, *, now: int) -> RetryLater:
    """The error for a dispatch that GitHub could not do, of an order whose deployment was made at `made_at`."""
    wait = find_next_try(made_at, now) - now
    if now - made_at < TOLD_AFTER:
        return Unavailable(str(problem), seconds=max(wait, problem.seconds))
    return NotStarted(say_not_started_yet(workflow, str(problem)), seconds=wait)


def _check_head(client: Client, wanted: OrderRequest, pull: PullNumber) -> None:
    found = repository.read_pull(client, wanted.fleet, pull)
    if found.state != "open" or found.head.sha != wanted.commit:
        raise HeadMoved(
            f"pull request {pull} is {found.state} at {short(found.head.sha)}, and {short(wanted.commit)} was asked "
            "for: ask again"
        )


def _make_deployment(tools: RolloutTools, client: Client, wanted: OrderRequest, plan: Plan) -> DeploymentId:
    made = deployments.post_deployment(
        client,
        wanted.fleet,
        sha=wanted.commit,
        node=wanted.node.name,
        task=deployment_task(wanted.kind, wanted.submodule.path),
        description=describe_deployment(wanted.pin, wanted.approved),
        payload={
            "marker": wanted.marker,
            "pin": wanted.pin,
            "pull": wanted.pull,
            "plan": plan.id,
            "approved": wanted.approved or "",
            "stacks": list(wanted.stacks),
        },
    )
    number = DeploymentId(made.id)
    tools.statuses.note_order(wanted.fleet, wanted.node.name, number, now=int(tools.fleets.now()))
    return number


def _dispatch(
    client: Client, workflow: str, wanted: OrderRequest, number: DeploymentId, envelope: str, *, remark: str
) -> PastOrder:
    node = wanted.node
    inputs = {
        "order": envelope,
        "node": node.name,
        "labels": json.dumps(list(node.runner_labels)),
        "deployment_id": str(number),
    }
    state, description, url = "queued", remark or "waiting for the node's runner", ""
    try:
        run = workflows.dispatch_workflow(
            client, wanted.fleet, workflow=workflow, ref=wanted.default_branch, inputs=inputs
        )
        url = run.html_url if run else ""
    except GitHubError as problem:
        state = "error"
        description = say_not_started(workflow, wanted.default_branch, status=problem.status, message=problem.message)
    deployments.post_deployment_status(
        client, wanted.fleet, number, state=state, description=description, log_url=url or None
    )
    log.info("order %d for %s (%s %s): %s", number, node.name, wanted.kind, short(wanted.commit), state)
    return PastOrder(
        number=number,
        kind=wanted.kind,
        submodule=wanted.submodule.path,
        commit=wanted.commit,
        pin=wanted.pin,
        marker=wanted.marker,
        stage=stage_of([state]),
        state=state,
        pull=wanted.pull,
        stacks=wanted.stacks,
        description=description,
        log_url=url,
    )


def withdraw_order(client: Client, fleet: RepoName, order: PastOrder, *, because: str) -> None:
    """End an order that no runner took. Its state says so first: a node that takes it meanwhile refuses it."""
    deployments.post_deployment_status(
        client,
        fleet,
        order.number,
        state="inactive",
        description=f"withdrawn before the node took it: {because}",
        log_url=order.log_url or None,
    )
    if order.run_id is not None:
        workflows.cancel_run(client, fleet, order.run_id)
