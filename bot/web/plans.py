"""/plans: a plan as a page and as JSON, for people who may read the fleet that it is of."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec
from flask import Blueprint, Response, render_template
from werkzeug.exceptions import NotFound

from bot.domain.names import PlanId
from bot.features.visitors.facts import Sight
from bot.plan.identity import to_builtins
from bot.plan.model import Plan
from bot.plan.report.rows import (
    count,
    find_rows,
    missing_variables,
    plural,
    summarise,
    unreadable_stacks,
    worst_severity,
)
from bot.protocol.action import Action
from bot.web.guard import Guard

_PLAN_ID = re.compile(r"[0-9a-f]{12}")
_DIFF_LINES = {"+": "added", "-": "removed", "@": "place"}


def make_blueprint(find_plan: Callable[[PlanId], Plan | None], guard: Guard) -> Blueprint:
    """/plans/ID and /plans/ID.json."""
    blueprint = Blueprint("plans", __name__)

    @blueprint.get("/plans/<plan_id>")
    def plan_page(plan_id: str) -> Response:
        guard.require_visitor()
        name = plan_id.removesuffix(".json")
        plan = find_plan(PlanId(name)) if _PLAN_ID.fullmatch(name) else None
        guard.require_fleet(plan.fleet if plan else None, Sight.PLAN)
        if plan is None:
            raise NotFound
        if plan_id.endswith(".json"):
            return Response(msgspec.json.format(msgspec.json.encode(to_builtins(plan))), mimetype="application/json")
        return Response(render_plan_page(plan))

    return blueprint


def render_plan_page(plan: Plan) -> str:
    """The page as HTML."""
    rows = find_rows(plan)
    diffs = {
        (stack.stack, service.service, service.diff): None
        for node in plan.nodes
        for stack in node.stacks
        for service in stack.services
        if service.diff and service.action is not Action.NONE
    }
    return render_template(
        "plan.html",
        plan=plan,
        words=summarise(plan),
        totals=count(plan),
        rows=rows,
        worst=str(worst_severity(tuple(risk for row in rows for risk in row.risks))),
        diffs=[(stack, service, split_diff(diff)) for stack, service, diff in diffs],
        files=[(one, split_diff(one.diff)) for one in plan.file_diffs],
        unreadable=list(unreadable_stacks(plan)),
        missing=missing_variables(plan),
        plural=plural,
    )


def split_diff(diff: str) -> list[tuple[str, str]]:
    """The lines of a unified diff, each with what it is, as a class of the page's style."""
    lines = diff.splitlines()
    kept = lines[2:] if lines[:1] == ["--- old"] else lines
    return [(_DIFF_LINES.get(line[:1], "same"), line) for line in kept]
