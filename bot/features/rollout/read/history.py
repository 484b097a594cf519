"""Reads the orders that a node was given: deployments of its environment, and their statuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from bot.domain.names import (
    CommitSha,
    DeploymentId,
    NodeName,
    PullNumber,
    RepoName,
    StackName,
    SubmodulePath,
    parse_commit_sha,
)
from bot.domain.values import Wire
from bot.features.rollout.decide.orders import judge_ended_run, last_good, newest_word, parse_task, stage_of
from bot.features.rollout.facts import PastOrder
from bot.fleetfile import Node
from bot.github.client import Client
from bot.github.endpoints import deployments, workflows
from bot.github.endpoints.deployments import Deployment, DeploymentStatus
from bot.text.times import parse_time

if TYPE_CHECKING:
    from bot.features.rollout.run import RolloutTools

ORDERS_LOOKED_AT = 100  # one page; a node's older orders decide nothing any more
STATUSES_LOOKED_AT = 30  # of one order
CLOCKS_DIFFER = 60  # seconds


class _Payload(Wire, frozen=True):
    """What we write into a deployment, and read again."""

    marker: str = ""
    pin: str = ""
    pull: int | None = None
    stacks: tuple[str, ...] = ()


def read_orders(
    tools: RolloutTools,
    client: Client,
    repo: RepoName,
    node: Node,
    *,
    submodule: SubmodulePath,
    commit: CommitSha | None = None,
    goods: int = 1,
    listed: Sequence[Deployment] | None = None,
) -> tuple[PastOrder, ...]:
    """The orders that we gave `node`, newest first.

    All back to the last `goods` good ones of `submodule`, and of the older ones those of `commit`. `listed` is what
    `list_deployments` found, if it was called already.
    """
    app = tools.fleets.app
    found: list[PastOrder] = []
    seen = 0
    for deployment in _with_unlisted(
        tools, client, repo, node, list_deployments(client, repo, node.name) if listed is None else listed
    ):
        if deployment.creator is None or not app.is_own(deployment.creator.login):
            continue  # anybody who may write can make a deployment; it is no order of ours
        if seen >= goods and deployment.sha != commit:
            continue
        order = _read_order(client, repo, deployment)
        if order is not None and order.stage.is_open and order.run_id is None:
            order = _find_run(client, repo, node, order, login=app.login())
        if order is not None and order.stage.is_open and order.run_id is not None:
            order = _with_run(tools, client, repo, deployment, order)
        if order is not None:
            found.append(order)
            seen += last_good([order], submodule) is not None
    return tuple(found)


def list_deployments(client: Client, repo: RepoName, node: NodeName) -> tuple[Deployment, ...]:
    """The node's deployments that may still decide something, newest first."""
    return deployments.find_deployments(client, repo, environment=node, most=ORDERS_LOOKED_AT)


def _with_unlisted(
    tools: RolloutTools, client: Client, repo: RepoName, node: Node, listed: Sequence[Deployment]
) -> tuple[Deployment, ...]:
    """The node's deployments, newest first; those first that we made and that GitHub does not list yet."""
    known = {deployment.id for deployment in listed}
    made = tools.statuses.find_new_orders(repo, node.name, now=int(tools.fleets.now()))
    unlisted = (deployments.find_deployment(client, repo, number) for number in made if number not in known)
    return (*(one for one in unlisted if one is not None), *listed)


def _find_run(client: Client, repo: RepoName, node: Node, order: PastOrder, *, login: str) -> PastOrder:
    """`order` with the workflow run that carries it, where the server did not name it when it was dispatched.

    The run's own name says it: by the order's number, or by the node in workflows of before.
    """
    if not order.queued_at:
        return order
    for run in workflows.find_dispatched_runs(client, repo, login=login, since=order.queued_at - CLOCKS_DIFFER):
        if str(order.number) in run.display_title.split() or run.display_title == f"Deploy to {node.name}":
            return msgspec.structs.replace(order, log_url=run.html_url)
    return order


def _with_run(
    tools: RolloutTools, client: Client, repo: RepoName, deployment: Deployment, order: PastOrder
) -> PastOrder | None:
    """`order` beside its workflow run: one whose run has ended gets no word from its node any more."""
    run = workflows.find_run_state(client, repo, order.run_id or 0)
    if run is not None and run.status != "completed":
        return msgspec.structs.replace(order, run_status=run.status)
    # The node's last word may have come between the two readings.
    order = _read_order(client, repo, deployment) or order
    if not order.stage.is_open:
        return order
    ended = (run.conclusion if run else None) or "gone"
    stage = judge_ended_run(order, age=int(tools.fleets.now()) - order.queued_at)
    return msgspec.structs.replace(order, stage=stage, run_status=ended)


def _read_order(client: Client, repo: RepoName, deployment: Deployment) -> PastOrder | None:
    task = parse_task(deployment.task)
    try:
        payload = _read_payload(deployment)
        commit, pin = parse_commit_sha(deployment.sha), parse_commit_sha(payload.pin)
    except (msgspec.MsgspecError, ValueError):
        return None
    if task is None:
        return None
    number = DeploymentId(deployment.id)
    statuses = deployments.find_deployment_statuses(client, repo, number, most=STATUSES_LOOKED_AT)
    said = statuses[newest_word([status.state for status in statuses]) :]
    newest = said[0] if said else None
    return PastOrder(
        number=number,
        kind=task[0],
        submodule=task[1],
        commit=commit,
        pin=pin,
        marker=payload.marker,
        stage=stage_of([status.state for status in said]),
        state=newest.state if newest else "",
        pull=PullNumber(payload.pull) if payload.pull else None,
        stacks=tuple(StackName(stack) for stack in payload.stacks),
        description=(newest.description or "") if newest else "",
        log_url=next((status.log_url for status in statuses if status.log_url), ""),
        queued_at=_queued_at(statuses),
        updated_at=parse_time(newest.created_at) if newest else 0,
        made_at=parse_time(deployment.created_at) if deployment.created_at and not statuses else 0,
    )


def _read_payload(deployment: Deployment) -> _Payload:
    """What we wrote; GitHub gives it back as an object, or as the text of one."""
    if isinstance(deployment.payload, str):
        return msgspec.json.decode(deployment.payload, type=_Payload)
    return msgspec.convert(deployment.payload, _Payload)


def _queued_at(statuses: tuple[DeploymentStatus, ...]) -> int:
    return next((parse_time(status.created_at) for status in statuses if status.state == "queued"), 0)
