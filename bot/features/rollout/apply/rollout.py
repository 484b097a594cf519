"""Carry out a rollout decision: give, withdraw and end orders, and keep the comment that reports progress."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from bot.domain.names import CommitSha, NodeName, short
from bot.features.fleets.read import FleetAt
from bot.features.outbox.facts import apply_rules, pin_scope
from bot.features.outbox.store import replace_conditions
from bot.features.rollout.apply.approval import PlanDiffers
from bot.features.rollout.apply.dispatch import Waiting, withdraw_order
from bot.features.rollout.apply.giving import give_all
from bot.features.rollout.apply.order_plan import find_first_start
from bot.features.rollout.apply.superseded import report_superseded
from bot.features.rollout.decide.conditions import find_conditions
from bot.features.rollout.decide.deployed import find_deployed
from bot.features.rollout.decide.orders import last_good
from bot.features.rollout.decide.rollout import Rollout, RolloutReason, Standing, want_merged
from bot.features.rollout.facts import NodeFacts, PastOrder, RolloutFacts, Stage
from bot.features.rollout.history import NodeDetails, RefusedPlan, RolloutDetails, keep_details, keep_orders
from bot.features.rollout.read.reports import read_node_words
from bot.features.rollout.store import NodeStatus, RolloutStatus
from bot.features.rollout.text import (
    DifferingPlan,
    NodeView,
    RolloutView,
    render_rollout,
    say_rolled_back,
    say_run_ended,
)
from bot.git.mirrors import Mirror
from bot.github.client import Client
from bot.github.comments import put_comment
from bot.github.endpoints import deployments
from bot.github.endpoints.environments import has_custom_rules
from bot.observability.metrics import Counter
from bot.protocol.report import Report
from bot.text import markers

if TYPE_CHECKING:
    from bot.features.rollout.run import RolloutTools

log = logging.getLogger(__name__)

PREDICTIONS = Counter(
    "aios_bot_services_deployed_total",
    "Services of orders that ended, by whether the plan predicted what happened to them.",
    {"result": ("as_planned", "otherwise")},
)


def apply_rollout(
    tools: RolloutTools, client: Client, at: FleetAt, facts: RolloutFacts, decision: Rollout
) -> int | None:
    """Do what `decision` says; safe to run again after a crash at any line.

    Returns when it has to be looked at again because of what GitHub did not do now (seconds since the epoch).
    """
    for name, order in decision.end:
        _end_lost(client, facts, name, order)
    for _, order in decision.withdraw:
        withdraw_order(client, facts.fleet, order, because=_say_withdrawn(facts, order))
    for node in facts.nodes if facts.pull is not None else ():
        if find_deployed(node.past, facts.submodule.path).whole is None:
            find_first_start(tools, at, want_merged(facts, node), node.past)
    given = give_all(tools, client, at, facts, decision)
    orders, differing, held = given.orders, given.differing, given.held
    if facts.pull is None:
        tools.outbox.replace(facts.fleet, _scope(facts), (), now=facts.now)
        return None
    report_superseded(tools, client, facts, decision)
    view = RolloutView(
        pull=facts.pull,
        commit=facts.commit,
        submodule=facts.submodule.path,
        pin=facts.pin,
        plan=facts.plan,
        reason=decision.reason,
        wave=decision.wave,
        waves=len(facts.waves),
        nodes=tuple(
            _with_result(tools, client, facts, _view(facts, decision, node, order), order)
            if node.node.name not in held
            else _held(facts, decision, node, held[node.node.name])
            for node, order in ((node, orders[node.node.name]) for node in facts.nodes)
        ),
        differing=tuple(
            DifferingPlan(
                node=name,
                plan=one.plan,
                approved=one.approved,
                beyond=one.beyond,
                prefix=at.file.commands.prefix,
            )
            for name, one in differing.items()
        ),
        again_at=decision.again_at,
        page=f"{tools.plans.public_url}/fleets/{facts.fleet}" if tools.plans.public_url else "",
    )
    login = tools.fleets.app.login()
    put_comment(client, facts.fleet, facts.pull, marker=markers.ROLLOUT, body=render_rollout(view), login=login)
    conditions = find_conditions(
        facts,
        decision.reason,
        view.nodes,
        orders={name: order for name, order in orders.items() if isinstance(order, PastOrder)},
        differing=view.differing,
        unreadable=given.unreadable,
        web_url=tools.fleets.mirrors.web_url,
    )
    wanted = apply_rules(conditions, at.file.notify)
    status, details = _status(facts, view), _details(tools, facts, differing)
    newest = {name: (order,) for name, order in orders.items() if isinstance(order, PastOrder)}

    def also(connection: sa.Connection) -> None:
        replace_conditions(connection, facts.fleet, _scope(facts), wanted, now=facts.now)
        keep_orders(connection, facts.fleet, {n.node.name: n.past for n in facts.nodes})
        keep_orders(connection, facts.fleet, newest)
        keep_details(connection, tools.statuses.page_of(facts.fleet), status, details)

    tools.statuses.save(status, also=also)
    if given.refused is not None:
        raise given.refused
    return given.again_at


def _scope(facts: RolloutFacts) -> str:
    return pin_scope("rollout", facts.base, facts.submodule.path)


def _end_lost(client: Client, facts: RolloutFacts, node: NodeName, order: PastOrder) -> None:
    """The last word on an order whose node will say none."""
    began = order.state == "in_progress"
    text = say_run_ended(order.run_status, began=began)
    if not began and has_custom_rules(client, facts.fleet, node):
        text = f"environment {node} has custom protection rules: GitHub fails jobs with `deployment: false` there"
    deployments.post_deployment_status(
        client, facts.fleet, order.number, state="error", description=text, log_url=order.log_url or None
    )
    log.warning("order %d of %s: %s", order.number, facts.fleet, text)


def _say_withdrawn(facts: RolloutFacts, order: PastOrder) -> str:
    if order.commit == facts.commit:
        return f"{short(facts.commit)} was rolled back"
    return f"{short(facts.commit)} was merged after it"


def _view(facts: RolloutFacts, decision: Rollout, node: NodeFacts, order: PastOrder | Waiting | None) -> NodeView:
    name = node.node.name
    standing = decision.standings.get(name, Standing.WAVE_NOT_YET)
    wave = next((number for number, wave in enumerate(facts.waves, 1) if name in wave), 0)
    view = NodeView(node=name, wave=wave, standing=standing, text=_words(facts, decision, node, standing))
    back = facts.rollback_of(node)
    if back is not None:
        return msgspec.structs.replace(view, text=say_rolled_back(back), log_url=back.log_url, rolled_back=True)
    if isinstance(order, Waiting):
        text = f"waiting for order {order.behind.number}"
        return msgspec.structs.replace(view, text=text, log_url=order.behind.log_url)
    if order is None:
        return view
    text = view.text if standing is Standing.OFFLINE else order.description or view.text
    view = msgspec.structs.replace(view, text=text, log_url=order.log_url)
    if standing is Standing.TO_START and order.stage is Stage.FAILED:
        return msgspec.structs.replace(view, standing=Standing.FAILED)  # it could not be dispatched
    return view


def _held(facts: RolloutFacts, decision: Rollout, node: NodeFacts, text: str) -> NodeView:
    view = _view(facts, decision, node, None)
    return msgspec.structs.replace(view, standing=Standing.HELD, text=text)


def _with_result(
    tools: RolloutTools, client: Client, facts: RolloutFacts, view: NodeView, order: PastOrder | Waiting | None
) -> NodeView:
    """`view` with what the node told of its order, if that has ended."""
    if view.rolled_back or not isinstance(order, PastOrder) or order.stage not in (Stage.SUCCEEDED, Stage.FAILED):
        return view
    report = _read_result(tools, client, facts, view.node, order)
    if report is None:
        return view
    return msgspec.structs.replace(
        view, services=report.services, untouched=report.untouched, differences=report.differences
    )


def _read_result(
    tools: RolloutTools, client: Client, facts: RolloutFacts, node: NodeName, order: PastOrder
) -> Report | None:
    """What the node reported of an order that has ended: read from GitHub once, and counted once."""
    known = tools.statuses.find_result(facts.fleet, order.number)
    found = None if known else read_node_words(client, facts.fleet, node, order)
    report = found.report if found else known
    if report is not None and found and tools.statuses.save_result(facts.fleet, node, report, log=found.words):
        wrong = len(report.surprises)
        PREDICTIONS.inc(wrong, result="otherwise")
        PREDICTIONS.inc(len(report.services) + report.untouched - wrong, result="as_planned")
    return report


def _status(facts: RolloutFacts, view: RolloutView) -> RolloutStatus:
    nodes = {node.node.name: node for node in facts.nodes}
    return RolloutStatus(
        fleet=facts.fleet,
        base=facts.base,
        submodule=facts.submodule.path,
        commit=facts.commit,
        pin=facts.pin,
        pull=facts.pull,
        reason=view.reason,
        looked_at=facts.now,
        nodes=tuple(_node_status(facts, nodes[one.node], one) for one in view.nodes),
    )


def _node_status(facts: RolloutFacts, node: NodeFacts, view: NodeView) -> NodeStatus:
    good = last_good(node.past, facts.submodule.path)
    return NodeStatus(
        node=view.node,
        platform=node.node.platform,
        wave=view.wave,
        standing=view.standing,
        text=view.text,
        log_url=view.log_url,
        runs=good.commit if good else None,
        runs_pin=good.pin if good else None,
        deployed_at=good.updated_at if good else 0,
        planned=len(view.services) + view.untouched,
        surprises=sum(not service.as_predicted for service in view.services),
        rolled_back=view.rolled_back,
    )


def _details(tools: RolloutTools, facts: RolloutFacts, differing: Mapping[NodeName, PlanDiffers]) -> RolloutDetails:
    plan = tools.plans.store.find(facts.plan) if facts.plan else None
    planned = {node.node: tuple(stack.stack for stack in node.stacks) for node in plan.nodes} if plan else {}
    upstream = tools.fleets.mirrors.of(facts.upstream)

    def detail(node: NodeFacts) -> NodeDetails:
        name, other = node.node.name, differing.get(node.node.name)
        good = last_good(node.past, facts.submodule.path)
        refused = RefusedPlan(plan=other.plan.id, approved=other.approved, beyond=other.beyond[0]) if other else None
        return NodeDetails(
            node=name,
            stacks=planned.get(name) or node.node.stacks,
            behind=count_behind(upstream, good.pin if good else None, facts.pin),
            refused=refused,
        )

    return RolloutDetails(upstream=facts.upstream, nodes=tuple(detail(node) for node in facts.nodes))


def count_behind(upstream: Mirror, runs: CommitSha | None, wanted: CommitSha) -> int:
    """How many commits are between what a node runs and what is wanted; 0 where that cannot be told."""
    if runs is None or runs == wanted or upstream.resolve(runs) is None or upstream.resolve(wanted) is None:
        return 0
    return upstream.count_between(runs, wanted)


def _words(facts: RolloutFacts, decision: Rollout, node: NodeFacts, standing: Standing) -> str:
    match standing:
        case Standing.OFFLINE:
            minutes = facts.offline_after // 60
            cure = "it will get the newest order when it is back; `aios-bot node doctor` there says what is wrong"
            return f"offline: no runner took its order for {minutes} min; {cure}"
        case Standing.HELD:
            return node.held
        case Standing.WAVE_NOT_YET if decision.reason is RolloutReason.HALTED:
            return f"not started: wave {decision.wave} failed" if decision.wave else "not started: it was rolled back"
        case Standing.WAVE_NOT_YET:
            return f"comes after wave {decision.wave}"
        case Standing.UNDER_WAY:
            return "waiting for another order"
    return ""
