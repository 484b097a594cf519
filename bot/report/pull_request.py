"""The title and body of a bump pull request. Pure."""

from __future__ import annotations

import re
from collections import Counter

import msgspec

from bot.names import CommitSha, PlanId, RepoName, short
from bot.plan.model import Action, NodePlan, Plan, ServicePlan, Severity, StackPlan
from bot.report import markdown as md
from bot.values import Value

LIMIT = 65_536  # characters of a pull request's body
TITLE_LIMIT = 256
_ICON = {Severity.RISKY: "🔴", Severity.NOTICE: "🟡", Severity.INFO: "⚪"}
_MARKER = re.compile(r"<!-- aios-bot:plan (\{[^<>]*\}) -->")


class Links(Value, frozen=True):
    """Where links lead; empty parts are not linked."""

    web: str = ""
    fleet: RepoName | None = None
    upstream: RepoName | None = None
    details: str = ""


class Marker(Value, frozen=True):
    """What the body says to the bot itself."""

    id: PlanId
    old: CommitSha | None
    new: CommitSha


def touched(plan: Plan) -> list[tuple[NodePlan, StackPlan, ServicePlan]]:
    """Every service that something happens to, the riskiest first."""
    found = [
        (node, stack, service)
        for node in plan.nodes
        for stack in node.stacks
        for service in stack.services
        if service.action is not Action.NONE
    ]
    return sorted(found, key=lambda item: list(_ICON).index(_severity(item[2])))


def _severity(service: ServicePlan) -> Severity:
    severities = [risk.severity for risk in service.risks] or [Severity.INFO]
    return min(severities, key=list(_ICON).index)


def render_title(plan: Plan) -> str:
    """One line: from, to, and what it does."""
    start = f"from {short(plan.old)} " if plan.old else ""
    return f"Bump {plan.submodule} {start}to {short(plan.new)}: {summarise(plan)}"[:TITLE_LIMIT]


def summarise(plan: Plan) -> str:
    """What happens, in a few words."""
    rows = touched(plan)
    unread = len({(s.stack) for n in plan.nodes for s in n.stacks if s.error})
    tail = f", {unread} not analysed" if unread else ""
    if not rows:
        return f"nothing restarts{tail}"
    nodes = len({node.node for node, _, _ in rows})
    services = len({(stack.stack, service.service) for _, stack, service in rows})
    return f"{services} service{'s' * (services != 1)} on {nodes} of {len(plan.nodes)} nodes{tail}"


def render_body(plan: Plan, links: Links) -> str:
    """The whole body, never above GitHub's limit; what had to be left out is said."""
    for diffs, commits in ((True, 100), (True, 10), (False, 10), (False, 0)):
        body = "\n\n".join(filter(None, [*_parts(plan, links, diffs=diffs, commits=commits), _footer(plan, links)]))
        if len(body) <= LIMIT:
            return body
    rows = touched(plan)
    kept = [f"**{summarise(plan)}**", f"{len(rows)} rows do not fit here.", _footer(plan, links)]
    return "\n\n".join(kept)


def _parts(plan: Plan, links: Links, *, diffs: bool, commits: int) -> list[str]:
    return [
        render_summary(plan),
        render_errors(plan),
        *(render_diffs(plan) if diffs else []),
        _commits(plan, links, commits),
    ]


def render_summary(plan: Plan) -> str:
    """First line and table."""
    rows = touched(plan)
    words = summarise(plan)
    first = f"**{words[0].upper()}{words[1:]}.**"
    counted = Counter(s.action for n in plan.nodes for st in n.stacks for s in st.services)
    same = f"{counted[Action.NONE]} unchanged." if counted[Action.NONE] else ""
    if not rows:
        return f"{first} {same}".strip()
    table = md.table(
        ["", "node / stack / service", "change", "why"],
        [
            [
                _ICON[_severity(service)],
                md.code(f"{node.node} / {stack.stack} / {service.service}"),
                service.action,
                "; ".join(
                    md.text(text) for text in [*(r.text for r in service.risks), *(r.text for r in service.reasons)]
                )[:1000],
            ]
            for node, stack, service in rows
        ],
    )
    return f"{first} {same}\n\n{table}"


def render_errors(plan: Plan) -> str:
    """The stacks that compose refused."""
    found = {s.stack: s.error for n in plan.nodes for s in n.stacks if s.error}
    return "\n\n".join(
        f"**Could not analyse** {md.code(stack)}:\n\n{md.fence(error)}" for stack, error in found.items()
    )


def render_diffs(plan: Plan) -> list[str]:
    """A fold for each touched service, identical ones once."""
    seen: dict[tuple[str, str], str] = {}
    for _, stack, service in touched(plan):
        seen.setdefault((f"{stack.stack} / {service.service}", service.diff), "")
    return [md.fold(f"<code>{md.text(name)}</code>", md.fence(diff, "diff")) for name, diff in seen if diff]


def _commits(plan: Plan, links: Links, most: int) -> str:
    lines = [f"- {md.code(short(c.sha))} {md.text(c.subject)} ({md.text(c.author)})" for c in plan.commits[:most]]
    if plan.commits_total > len(lines):
        lines.append(f"- and {plan.commits_total - len(lines)} more")
    head = f"{plan.commits_total} commit{'s' * (plan.commits_total != 1)}"
    if links.web and links.upstream and plan.old:
        lines.insert(0, f"[Compare]({links.web}/{links.upstream}/compare/{plan.old}...{plan.new})\n")
    return md.fold(head, "\n".join(lines)) if plan.commits_total else ""


def _footer(plan: Plan, links: Links) -> str:
    page = f" · [whole plan]({links.details})" if links.details else ""
    marker = msgspec.json.encode(Marker(id=plan.id, old=plan.old, new=plan.new)).decode()
    said = f"Merging deploys this. Plan `{plan.id}`, made on base `{short(plan.base)}`{page}."
    return f"{said}\n\n<!-- aios-bot:plan {marker} -->"


def parse_marker(body: str) -> Marker | None:
    """What `render_body` left for the bot, or None."""
    found = _MARKER.search(body)
    try:
        return msgspec.json.decode(found.group(1), type=Marker) if found else None
    except msgspec.MsgspecError:
        return None
