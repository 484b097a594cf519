"""Render a plan for a terminal, and as JSON. Pure."""

from __future__ import annotations

import msgspec

from bot.domain.names import short
from bot.plan.identity import to_builtins
from bot.plan.model import Plan
from bot.plan.report.rows import (
    find_rows,
    missing_variables,
    node_remarks,
    node_warnings,
    remarks,
    summarise,
    unreadable_stacks,
)
from bot.text.markdown import one_line


def render_text(plan: Plan) -> str:
    """Render the plan as plain lines, the most severe first."""
    lines = [f"{plan.submodule} {short(plan.old or '')}..{short(plan.new)}: {summarise(plan)}", ""]
    lines += [f"{', '.join(nodes)}: {one_line(warning)}" for warning, nodes in node_warnings(plan).items()]
    for row in find_rows(plan):
        lines.append(f"{row.does:<9} {', '.join(row.nodes)} / {row.where}")
        lines.extend(f"          {one_line(reason.text)}" for reason in row.reasons)
        lines.extend(f"          {risk.severity}: {one_line(risk.text)} [{risk.rule}]" for risk in row.risks)
    for node, names in missing_variables(plan).items():
        lines.extend(f"{node} has no {one_line(name)}, needed by {', '.join(names[name])}" for name in names)
    for (name, remark), nodes in remarks(plan).items():
        lines.append(f"{', '.join(nodes)} / {name}: {one_line(remark)}")
    for remark, nodes in node_remarks(plan).items():
        lines.append(f"{', '.join(nodes)}: {one_line(remark)}")
    for node_plan, stack in unreadable_stacks(plan):
        lines.append(f"could not analyse {node_plan.node} / {stack.stack}: {one_line(stack.error or '')}")
    return "\n".join(lines).rstrip()


def render_json(plan: Plan) -> str:
    """Render the whole plan as JSON, with every field, in a stable order."""
    return msgspec.json.format(msgspec.json.encode(to_builtins(plan), order="deterministic"), indent=2).decode()
