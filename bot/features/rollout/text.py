"""What the bot says of a rollout: one comment that is kept up to date. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from bot.domain.names import CommitSha, NodeName, PlanId, PullNumber, StackName, SubmodulePath, short
from bot.domain.values import Value
from bot.domain.verbs import PREFIX, Verb, spell_verb
from bot.features.rollout.decide.rollout import RolloutReason, Standing
from bot.features.rollout.facts import PastOrder, Stage
from bot.plan.model import Plan
from bot.plan.report.text import render_text
from bot.protocol.action import Action
from bot.protocol.outcome import Difference, ServiceOutcome
from bot.text import markdown as md
from bot.text import markers

MOST_DIFFERING = 5  # nodes whose other plan is shown
MOST_BEYOND = 10  # lines of each
MOST_PENDING = 8  # stacks that are named
LONGEST_PLAN = 5_000  # characters of each
MOST_ROWS = 50  # of surprises and of differences, each
_ICON = {
    Standing.GOOD: "✅",
    Standing.FAILED: "❌",
    Standing.UNDER_WAY: "🔄",
    Standing.OFFLINE: "💤",
    Standing.HELD: "🔒",
    Standing.TO_START: "🕓",
    Standing.WAVE_NOT_YET: "⏳",
}
_ROLLED_BACK = "↩️"


class NodeView(Value, frozen=True):
    """How far one node is. `services` were to change, or did; `untouched` more were not, and did not."""

    node: NodeName
    wave: int
    standing: Standing
    text: str = ""  # one line
    log_url: str = ""
    rolled_back: bool = False  # by a person; its standing is then FAILED
    services: tuple[ServiceOutcome, ...] = ()
    untouched: int = 0
    differences: tuple[Difference, ...] = ()


class DifferingPlan(Value, frozen=True):
    """A node that gets no order, because its `plan` does what the approved one does not: `beyond`, line by line."""

    node: NodeName
    plan: Plan
    approved: PlanId
    beyond: tuple[str, ...]
    stacks: tuple[StackName, ...] = ()  # the order was for these alone
    prefix: str = PREFIX  # of the fleet's commands


class RolloutView(Value, frozen=True):
    """How far a merged bump is."""

    pull: PullNumber
    commit: CommitSha
    submodule: SubmodulePath
    pin: CommitSha
    plan: PlanId | None
    reason: RolloutReason
    wave: int  # 0: a person rolled it back
    waves: int
    nodes: tuple[NodeView, ...]
    again_at: int | None = None
    superseded_by: PullNumber | None = None
    differing: tuple[DifferingPlan, ...] = ()
    page: str = ""  # address of the fleet's page; "" when nobody reaches the service


def render_rollout(view: RolloutView) -> str:
    """The one sticky comment."""
    page = md.link("All nodes of the fleet", view.page) if md.is_linkable(view.page) else ""
    differing = [render_differing(one) for one in view.differing[:MOST_DIFFERING]]
    parts = [_head(view), _nodes(view), *differing, _surprises(view), _differences(view), page]
    return "\n\n".join([*filter(None, parts), f"{markers.ROLLOUT} {view.commit} -->"])


def render_differing(found: DifferingPlan) -> str:
    """Why a node gets no order, what it would do, and how a person approves that."""
    node, new = md.code(found.node), md.code(found.plan.id)
    shown, more = found.beyond[:MOST_BEYOND], len(found.beyond) - MOST_BEYOND
    lines = [f"- {md.text(line)}" for line in shown] + ([f"- and {more} more"] if more > 0 else [])
    plan = md.fence(render_text(found.plan)[:LONGEST_PLAN])
    said = f"**{node} is not deployed: plan {new} goes beyond the approved plan {md.code(found.approved)}.**"
    command = spell_verb(Verb.DEPLOY, found.node, *found.stacks, "plan", found.plan.id, prefix=found.prefix)
    cure = f"Read it; {md.code(command)} approves and deploys it."
    return "\n\n".join([said, "\n".join(lines), plan, cure])


def describe_pending(stacks: Sequence[StackName]) -> str:
    """ "pending: database, ingress and 2 more stacks"."""
    more = f" and {len(stacks) - MOST_PENDING} more stacks" if len(stacks) > MOST_PENDING else ""
    return f"pending: {', '.join(stacks[:MOST_PENDING]) or 'nothing'}{more}"


def _head(view: RolloutView) -> str:
    headline = f"**{_progress(view)} {md.text(view.submodule)} `{short(view.pin)}`**"
    if view.superseded_by is not None:
        return f"{headline} · #{view.superseded_by} superseded it on the nodes"
    where = f"wave {view.wave} of {view.waves}" if view.waves > 1 else ""
    match view.reason:
        case RolloutReason.HALTED:
            words = f"halted: {where or 'a node'} failed" if view.wave else _say_taken_back(view)
        case RolloutReason.SOAKING:
            words = f"{where} runs; the next begins {_at(view.again_at)}"
        case RolloutReason.NODES_AWAY:
            words = "waiting for nodes that are away"
        case RolloutReason.DONE:
            words = ""
        case _:
            words = where
    return f"{headline} · {words}" if words else headline


def _say_taken_back(view: RolloutView) -> str:
    left = any(node.standing is Standing.WAVE_NOT_YET for node in view.nodes)
    return "rolled back; no other node gets it" if left else "rolled back"


def say_rolled_back(order: PastOrder) -> str:
    """How far a person's rollback of a node is."""
    if order.stage.is_open:
        return f"being rolled back to {short(order.pin)}"
    if order.stage is Stage.SUCCEEDED:
        return f"rolled back to {short(order.pin)}"
    return f"not rolled back to {short(order.pin)}: {order.description or 'no report came'}"


def _progress(view: RolloutView) -> str:
    done = sum(node.standing is Standing.GOOD for node in view.nodes)
    if len(view.nodes) == 1:
        return f"{md.code(view.nodes[0].node)} {'runs' if done else 'does not run'}"
    return f"{done} of {len(view.nodes)} nodes run"


def _at(moment: int | None) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("at %H:%M UTC on %d %B") if moment else "later"


def _nodes(view: RolloutView) -> str:
    waves = view.waves > 1
    rows = [
        [
            _ROLLED_BACK if node.rolled_back else _ICON[node.standing],
            md.code(node.node),
            *([str(node.wave)] if waves else []),
            md.text(node.text),
            md.link("log", node.log_url) if md.is_linkable(node.log_url) else "",
        ]
        for node in view.nodes
    ]
    return md.table(["", "node", *(["wave"] if waves else []), "what happened", "log"], rows)


def _surprises(view: RolloutView) -> str:
    """Predicted against actual: what did not go as the plan said, and how much did."""
    services = [(node.node, service) for node in view.nodes for service in node.services]
    wrong = [(node, service) for node, service in services if not service.as_predicted]
    total = len(services) + sum(node.untouched for node in view.nodes)
    if not total:
        return ""
    if not wrong:
        return f"All {total} services went as planned." if total > 1 else "The service went as planned."
    rows = (
        [f"{md.code(node)} / {md.code(s.stack)} / {md.code(s.service)}", _word(s.predicted), _word(s.actual)]
        for node, s in wrong[:MOST_ROWS]
    )
    table = md.table(["node / stack / service", "planned", "happened"], rows)
    return f"**{len(wrong)} of {total} services did not go as planned:**\n\n{table}{_more(len(wrong))}"


def _word(action: Action) -> str:
    return "nothing" if action is Action.NONE else str(action)


def _differences(view: RolloutView) -> str:
    found = [(node.node, one) for node in view.nodes for one in node.differences]
    if not found:
        return ""
    table = render_differences(found[:MOST_ROWS])
    return f"**Changed since the last deploy (drift):**\n\n{table}{_more(len(found))}"


def render_differences(found: Iterable[tuple[NodeName, Difference]]) -> str:
    """A table of what is not as it was left."""
    rows = ([md.code(node), md.code(one.where), one.kind.replace("_", " "), md.text(one.text)] for node, one in found)
    return md.table(["node", "where", "what", "details"], rows)


def _more(count: int) -> str:
    return f"\n\nand {count - MOST_ROWS} more" if count > MOST_ROWS else ""


def say_not_started(workflow: str, branch: str, *, status: int, message: str) -> str:
    """Why GitHub did not start an order's workflow, and what to do; `message` is GitHub's own."""
    for words, cure in _NOT_STARTED.items():
        if words in message or words == str(status):
            return f"{workflow} was not started: {cure.format(branch=branch)}; then deploy again"
    return f"{workflow} could not be started: {message}"


def say_not_started_yet(workflow: str, problem: str) -> str:
    """Why an order waits for GitHub to start its workflow; `problem` holds GitHub's own words."""
    cure = _LOOK_AT_IT.format(workflow=workflow)
    return f"GitHub does not start {workflow}, and it is tried again: {problem}. {cure}"


def say_run_ended(conclusion: str, *, began: bool) -> str:
    """What became of an order whose workflow run has ended without the node's last word."""
    text = f"its workflow run ended ({conclusion}) "
    if began:
        return f"{text}and the node never reported"
    refused = conclusion in ("failure", "startup_failure")
    cure = ": the run says why; a policy is in Settings, Actions, Policies" if refused else ""
    return f"{text}before the node accepted it{cure}"


_LOOK_AT_IT = "If this lasts, start {workflow} by hand on the page Actions: it may say what is wrong"
_NOT_STARTED = {
    "disabled workflow": "it is disabled; enable it on the page Actions",
    "does not have 'workflow_dispatch' trigger": "on {branch} it lacks the trigger workflow_dispatch",
    "not allowed to trigger": "a policy forbids it; allow the App in Settings, Actions, Policies",
    "Resource not accessible": "the App may not start workflows; accept its permissions",
    "404": "{branch} has no such workflow, or Actions is off in Settings, Actions",
}
"""By a part of GitHub's message, or its status: what is wrong and what to do, within a deployment status' length."""
