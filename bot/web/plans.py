"""/plans: a plan as a page and as JSON, for people who may read the fleet that it is of."""

from __future__ import annotations

import re

import msgspec
from flask import Blueprint, Response, render_template, request
from werkzeug.exceptions import NotFound

from bot.domain.names import PlanId
from bot.domain.risk_rules import RULES
from bot.features.bump.store import PlanStore
from bot.features.visitors.facts import Sight
from bot.plan.identity import to_builtins
from bot.plan.model import Plan
from bot.plan.report.rows import (
    count,
    find_rows,
    missing_variables,
    summarise,
    unreadable_stacks,
    worst_severity,
)
from bot.text.counts import plural
from bot.web.fleets import STAGES, render_time
from bot.web.guard import Guard
from bot.web.plan_view import (
    ACTIONS,
    RISKS,
    PlanFilter,
    Results,
    find_diffs,
    find_happened,
    find_unpredicted,
    newest_results,
)
from bot.web.reading import FleetStores
from bot.web.sides import pair_lines

_PLAN_ID = re.compile(r"[0-9a-f]{12}")
LONGEST_FILTER = 100  # characters of one value


def make_blueprint(found_plans: PlanStore, stores: FleetStores, guard: Guard, *, web_url: str) -> Blueprint:
    """/plans/ID and /plans/ID.json. `web_url` is where GitHub's own pages are."""
    blueprint = Blueprint("plans", __name__)

    @blueprint.get("/plans/<plan_id>")
    def plan_page(plan_id: str) -> Response:
        visitor = guard.require_visitor()
        name = plan_id.removesuffix(".json")
        plan = found_plans.find(PlanId(name)) if _PLAN_ID.fullmatch(name) else None
        fleet = guard.require_fleet(plan.fleet if plan else None, Sight.PLAN)
        if plan is None:
            raise NotFound
        if plan_id.endswith(".json"):
            return Response(msgspec.json.format(msgspec.json.encode(to_builtins(plan))), mimetype="application/json")
        sees_fleet = guard.may_see(visitor, fleet, Sight.FLEET)
        pulls = found_plans.find_pulls(fleet.name, plan.id)
        deploys = stores.history.find_deploys(fleet.name, plan.submodule, plan.new, pulls) if sees_fleet else ()
        given = {key: request.args.get(key, "")[:LONGEST_FILTER] for key in ("node", "action", "risk")}
        return Response(
            render_plan_page(
                plan,
                PlanFilter(**given),
                newest_results(deploys),
                fleet=fleet.name if sees_fleet else "",
                pulls=sorted(pulls),
                web=web_url,
            )
        )

    return blueprint


def render_plan_page(plan: Plan, filter_: PlanFilter, results: Results, **more: object) -> str:
    """The page as HTML."""
    rows = find_rows(plan)
    shown = [row for row in rows if filter_.takes(row)]
    return render_template(
        "plan.html",
        plan=plan,
        words=summarise(plan),
        totals=count(plan),
        rows=[(row, find_happened(row, results)) for row in shown],
        total=len(rows),
        filter=filter_,
        nodes=[node.node for node in plan.nodes],
        actions=ACTIONS,
        risks=RISKS,
        rules=RULES,
        results=results,
        unpredicted=find_unpredicted(rows, results),
        stages=STAGES,
        when=render_time,
        worst=str(worst_severity(tuple(risk for row in rows for risk in row.risks))),
        diffs=find_diffs(plan, shown, node=filter_.node),
        files=[(one, pair_lines(one.diff) if one.diff else ()) for one in plan.file_diffs],
        unreadable=list(unreadable_stacks(plan)),
        missing=missing_variables(plan),
        plural=plural,
        **more,
    )
