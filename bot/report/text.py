"""A plan for a terminal, and as JSON. Pure."""

from __future__ import annotations

import msgspec

from bot.names import short
from bot.plan.model import Plan
from bot.report.pull_request import summarise, touched


def render_text(plan: Plan) -> str:
    """The plan as plain lines."""
    lines = [f"{plan.submodule} {short(plan.old or '')}..{short(plan.new)}: {summarise(plan)}", ""]
    for node, stack, service in touched(plan):
        lines.append(f"{service.action:<9} {node.node} / {stack.stack} / {service.service}")
        lines.extend(f"          {reason.text}" for reason in service.reasons)
    for node in plan.nodes:
        lines.extend(f"could not analyse {node.node} / {s.stack}: {s.error}" for s in node.stacks if s.error)
    return "\n".join(lines).rstrip()


def render_json(plan: Plan) -> str:
    """The whole plan, stable."""
    return msgspec.json.format(msgspec.json.encode(plan, order="deterministic"), indent=2).decode()
