"""Ask a node what it runs, and keep the issue that lists the differences."""

from __future__ import annotations

import hashlib
import logging

from bot.features.drift.decide import (
    DriftFacts,
    DriftIssue,
    DriftReason,
    IssueChange,
    decide_drift,
    find_answered,
    find_question,
)
from bot.features.drift.text import (
    IssueText,
    describe_condition,
    parse_drift_marker,
    render_drift,
    render_settled,
)
from bot.features.fleets.facts import Pinned
from bot.features.fleets.read import FleetAt
from bot.features.outbox.facts import Condition, apply_rules, pin_scope
from bot.features.rollout.apply.dispatch import give_order
from bot.features.rollout.decide.orders import last_good
from bot.features.rollout.facts import PastOrder, Stage
from bot.features.rollout.read.history import read_orders
from bot.features.rollout.read.reports import read_report
from bot.features.rollout.run import RolloutTools
from bot.fleetfile import Node
from bot.github.checks import ensure_check
from bot.github.client import Client
from bot.github.endpoints import deployments, issues
from bot.github.endpoints.issues import Issue
from bot.github.errors import GitHubError
from bot.observability.metrics import decision_counter
from bot.plan.order import OrderRequest
from bot.plan.report.check import CheckText
from bot.protocol.order import OrderKind

log = logging.getLogger(__name__)
_CANNOT_REPORT = (403, 404, 410, 422)
_count_decision = decision_counter("drift", DriftReason)


def check_pin(
    tools: RolloutTools, client: Client, at: FleetAt, pinned: Pinned, known: tuple[Issue, ...]
) -> list[int]:
    """Check the nodes of one pin that are due, and update their issues; when to come again, for each that says so."""
    times: list[int] = []
    found: list[Condition] = []
    unknown: list[Condition] = []
    for node in at.file.nodes if at.submodule(pinned.submodule) else ():
        facts = _read_facts(tools, client, at, node, pinned, issue=_find_issue(known, node, pinned))
        decision = decide_drift(facts)
        _count_decision(decision.reason)
        log.info("drift of %s, %s of %s: %s", node.name, pinned.submodule, at.repo, decision.reason)
        if decision.issue is not None:
            _change_issue(client, at, facts, decision.issue)
        if decision.marker:
            _order_check(tools, client, at, pinned, facts, marker=decision.marker)
        times += [decision.again_at] if decision.again_at else []
        condition = describe_condition(at.repo, facts)
        (unknown if facts.every and facts.answer is None else found).append(condition)
    tools.outbox.replace(
        at.repo,
        pin_scope("drift", at.base, pinned.submodule),
        apply_rules((one for one in found if one.state), at.file.notify),
        now=int(tools.fleets.now()),
        keep=[one.thing for one in unknown],
    )
    return times


def _read_facts(
    tools: RolloutTools, client: Client, at: FleetAt, node: Node, pinned: Pinned, *, issue: DriftIssue | None
) -> DriftFacts:
    past = read_orders(tools, client, at.repo, node, submodule=pinned.submodule)
    good = last_good(past, pinned.submodule)
    answered = find_answered(past, pinned.submodule)
    report = read_report(client, at.repo, node.name, answered) if answered else None
    return DriftFacts(
        node=node,
        submodule=pinned.submodule,
        every=at.file.drift.every,
        now=int(tools.fleets.now()),
        past=past,
        on_base=good is not None and at.mirror.is_ancestor(good.commit, at.head),
        answer=report.differences if report else None,
        issue=issue,
    )


def _find_issue(known: tuple[Issue, ...], node: Node, pinned: Pinned) -> DriftIssue | None:
    for issue in known:
        marker = parse_drift_marker(issue.body or "")
        if marker is not None and (marker.node, marker.submodule) == (node.name, pinned.submodule):
            return DriftIssue(number=issue.number, is_open=issue.state == "open", fingerprint=marker.fingerprint)
    return None


def _order_check(
    tools: RolloutTools, client: Client, at: FleetAt, pinned: Pinned, facts: DriftFacts, *, marker: str
) -> None:
    submodule, good = at.submodule(pinned.submodule), last_good(facts.past, pinned.submodule)
    if submodule is None or good is None:
        return
    wanted = OrderRequest(
        kind=OrderKind.DRIFT,
        fleet=at.repo,
        node=facts.node,
        base=at.base,
        default_branch=pinned.default_branch,
        submodule=submodule,
        upstream=pinned.upstream,
        commit=good.commit,
        pin=good.pin,
        marker=marker,
    )
    give_order(tools, client, at, wanted, facts.past)
    asked = find_question(facts.past, pinned.submodule)
    if asked is not None:
        _delete_answered(tools, client, at, asked)


def _change_issue(client: Client, at: FleetAt, facts: DriftFacts, change: IssueChange) -> None:
    number = facts.issue.number if facts.issue else 0
    if change is IssueChange.CLOSE:
        body = render_settled(facts.node.name, facts.submodule)
        try:
            issues.edit_issue(client, at.repo, number, {"body": body, "state": "closed", "state_reason": "completed"})
        except GitHubError as problem:
            _note_refusal(at, problem)
        return
    asked = find_answered(facts.past, facts.submodule)
    if asked is None or facts.answer is None:
        return
    good = last_good(facts.past, facts.submodule)
    text = render_drift(
        facts.node.name,
        facts.submodule,
        facts.answer,
        asked,
        pull=good.pull if good else None,
        prefix=at.file.commands.prefix,
    )
    try:
        if change is IssueChange.OPEN:
            issues.open_issue(client, at.repo, title=text.title, body=text.body)
        else:
            issues.edit_issue(client, at.repo, number, {"title": text.title, "body": text.body, "state": "open"})
    except GitHubError as problem:
        _note_refusal(at, problem)
        _post_instead(client, at, facts, text)


def _note_refusal(at: FleetAt, problem: GitHubError) -> None:
    """An issue only reports: one that GitHub refuses (issues are switched off) ends nothing."""
    if problem.status not in _CANNOT_REPORT:
        raise problem
    log.warning("an issue of %s was refused: %s", at.repo, problem)


def _post_instead(client: Client, at: FleetAt, facts: DriftFacts, text: IssueText) -> None:
    """A check on the head of the base, where there can be no issue."""
    name = f"aios/drift {facts.node.name} {facts.submodule}"
    check = CheckText(title=text.title[:255], summary=text.body, text="", conclusion="action_required")
    digest = hashlib.sha256(text.body.encode()).hexdigest()[:12]
    ensure_check(client, at.repo, at.head, name, lambda: check, external_id=digest)


def _delete_answered(tools: RolloutTools, client: Client, at: FleetAt, asked: PastOrder) -> None:
    """Remove an answered question from the node's deployments, which are to show what was deployed."""
    if asked.stage is Stage.SUCCEEDED and asked.state != "inactive":
        # GitHub removes only deployments that are not active.
        deployments.post_deployment_status(
            client, at.repo, asked.number, state="inactive", description="answered; a newer question followed"
        )
    deployments.delete_deployment(client, at.repo, asked.number)
    tools.statuses.forget_order(at.repo, asked.number)
