"""What requests about plans read."""

from __future__ import annotations

import time

from werkzeug.exceptions import NotFound

from bot.domain.names import PlanId
from bot.domain.risk_rules import RULES
from bot.domain.severity import Severity
from bot.features.outbox.facts import WaitingPull
from bot.features.visitors.facts import Sight
from bot.plan.model import NodePlan, Plan, Reason, Risk, ServicePlan, SourceLine, StackPlan
from bot.plan.report.rows import find_rows, summarise, worst_severity
from bot.web.api import plan_values as values
from bot.web.api.reads import ApiRequest, ApiTools, copy_fields, require_fleet


def read_plan(tools: ApiTools, request: ApiRequest) -> values.ApiPlan:
    """One plan of the fleet."""
    fleet = tools.guard.require_fleet(f"{request.path['owner']}/{request.path['name']}", Sight.PLAN)
    plan = tools.plans.find(PlanId(request.path["plan"]))
    if plan is None or (plan.fleet or "").lower() != fleet.name.lower():
        raise NotFound("this fleet has no such plan, or it is not kept any more")
    return copy_fields(
        values.ApiPlan,
        plan,
        summary=summarise(plan),
        severity=_severity(plan),
        nodes=tuple(map(_node, plan.nodes)),
        commits=tuple(copy_fields(values.ApiCommit, one) for one in plan.commits),
    )


def read_plans(tools: ApiTools, request: ApiRequest) -> values.ApiPlans:
    """The plans of the pull requests that wait for a person."""
    fleet = require_fleet(tools, request)
    waiting = tools.stores.waiting.find(fleet.name, now=int(time.time())).pulls
    pulls = {pull.number: pull for pull in waiting if pull.number > int(request.query["above"])}
    posted = tools.plans.find_all_posted(fleet.name, pulls)
    shown = sorted(posted)[: request.most]
    more = request.next(above=shown[-1]) if len(posted) > request.most else None
    home = f"/api/v1/fleets/{fleet.name}/plans"
    found = tuple(
        _waiting(pulls[number], plan, home) for number in shown if (plan := tools.plans.find(posted[number]))
    )
    return values.ApiPlans(plans=found, next=more)


def _waiting(pull: WaitingPull, plan: Plan, home: str) -> values.ApiWaitingPlan:
    return copy_fields(
        values.ApiWaitingPlan,
        plan,
        pull=pull.number,
        title=pull.title,
        since=pull.since,
        summary=summarise(plan),
        severity=_severity(plan),
        url=f"{home}/{plan.id}",
    )


def _severity(plan: Plan) -> Severity:
    return worst_severity(tuple(risk for row in find_rows(plan) for risk in row.risks))


def _node(node: NodePlan) -> values.ApiPlannedNode:
    return copy_fields(values.ApiPlannedNode, node, stacks=tuple(map(_stack, node.stacks)))


def _stack(stack: StackPlan) -> values.ApiPlannedStack:
    services, risks = tuple(map(_service, stack.services)), tuple(map(_risk, stack.risks))
    return copy_fields(values.ApiPlannedStack, stack, services=services, risks=risks)


def _service(service: ServicePlan) -> values.ApiPlannedService:
    return copy_fields(
        values.ApiPlannedService,
        service,
        image=service.image.name if service.image else None,
        reasons=tuple(map(_reason, service.reasons)),
        risks=tuple(map(_risk, service.risks)),
    )


def _reason(reason: Reason) -> values.ApiReason:
    return copy_fields(values.ApiReason, reason, where=_source(reason.where))


def _risk(risk: Risk) -> values.ApiRisk:
    rule = RULES.get(risk.rule)
    return copy_fields(values.ApiRisk, risk, where=_source(risk.where), why=rule.why if rule else "")


def _source(where: SourceLine | None) -> values.ApiSource | None:
    return copy_fields(values.ApiSource, where) if where else None
