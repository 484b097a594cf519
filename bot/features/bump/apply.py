"""Carry out bump decisions on GitHub.

Every effect is found before it is made, so that running the same decision again, after a crash at any line,
changes nothing more.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from bot.domain.names import CommitSha, PullNumber, RepoName, short
from bot.features.bump import read as gather
from bot.features.bump.decide import BumpDecision, CloseBump, ProposeBump, WithholdBump
from bot.features.bump.facts import BumpFacts
from bot.features.bump.jobs import bump_branch
from bot.features.bump.text import render_body, render_note, render_title
from bot.features.fleets.branches import report_refused_branch
from bot.features.fleets.read import FleetAt
from bot.github.checks import ensure_check, note_new_commit
from bot.github.client import Client
from bot.github.comments import put_comment
from bot.github.endpoints import repository
from bot.github.endpoints.repository import BranchRefused
from bot.github.errors import GitHubError
from bot.github.pulls import open_own_pull
from bot.plan.identity import digest_effect
from bot.plan.model import Plan
from bot.plan.report.check import CHECK_NAME, CheckText, render_check
from bot.plan.report.links import Links
from bot.text import markers

if TYPE_CHECKING:
    from bot.features.bump.run import BumpTools

log = logging.getLogger(__name__)

BUMP_CHECK = "aios/bump"
_NOT_FOUND_YET = ("Issue not found", "Could not resolve to a node")
"""What GitHub says (422) of labels for a pull request that was opened just now."""
# At most three; their identifiers are what bot.features.commands.jobs.BUTTONS reads
# (REST: checks/create, `actions`).
BUTTONS = (
    {"label": "Re-plan", "identifier": "replan", "description": "Plan again"},
    {"label": "Deploy first wave", "identifier": "deploy", "description": "Try this plan on the first wave"},
    {"label": "Roll back", "identifier": "rollback", "description": "Return the nodes that run this"},
)


class Applied(NamedTuple):
    """What came of a decision: the plan, when one was made, and whether its pull request has all that it should."""

    plan: Plan | None = None
    labelled: bool = True


def apply_bump(tools: BumpTools, client: Client, at: FleetAt, facts: BumpFacts, decision: BumpDecision) -> Applied:
    """Carry out `decision`."""
    match decision:
        case ProposeBump():
            try:
                return propose(tools, client, at, facts, decision)
            except BranchRefused as problem:
                _report_refused(client, at, facts, problem, kept=False)
        case CloseBump():
            close(tools, client, at, facts, decision)
        case WithholdBump():
            withhold(tools, client, at, facts, decision)
    return Applied()


def links_of(tools: BumpTools, facts: BumpFacts, plan: Plan) -> Links:
    """Where a report's links lead."""
    web = tools.fleets.mirrors.web_url
    return Links(web=web, fleet=facts.fleet, upstream=facts.upstream, details=tools.plans.page_of(plan))


def propose(tools: BumpTools, client: Client, at: FleetAt, facts: BumpFacts, decision: ProposeBump) -> Applied:
    """Bring the bump's one branch and pull request to what `decision` says, annotated with its plan."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        # The commit does not depend on the plan: rendering and GitHub work at the same time.
        planning = pool.submit(gather.read_bump_plan, tools, at, facts, decision.pin)
        head = _push_bump(tools, client, at, facts, decision)
        plan = planning.result()
    if facts.branch is not None and head == facts.branch.head and not facts.branch.has_base_files:
        own = gather.read_bump_plan(tools, at, facts, decision.pin, files=head)
        if [digest_effect(node) for node in own.nodes] != [digest_effect(node) for node in plan.nodes]:
            # The head has other files than the base by now: a plan of the base's would not be the head's.
            decision = replace(decision, commit=True)
            head = _push_bump(tools, client, at, facts, decision)
    links = links_of(tools, facts, plan)
    title = render_title(plan, base=facts.base if facts.several_bases else "")
    body = render_body(plan, links)
    tools.plans.store.save(plan)  # before the pull request names it
    if facts.pull is None:
        branch = bump_branch(facts.base, facts.submodule.path)
        pull = open_own_pull(client, facts.fleet, head=branch, base=facts.base, title=title, body=body)
        number, labels = PullNumber(pull.number), tuple(label.name for label in pull.labels)
    else:
        number, labels = facts.pull.number, facts.pull.labels
        if (facts.pull.title, facts.pull.body) != (title, body):
            repository.edit_pull(client, facts.fleet, number, title=title, body=body)
    labelled = bool(labels) or not facts.labels_due or put_labels(client, facts.fleet, number, at.file.labels)
    post_plan_check(client, facts.fleet, head, plan, links, fresh=decision.commit)
    tools.plans.store.mark_posted(facts.fleet, number, plan.id)
    log.info("bump of %s on %s: pull request %d, plan %s", facts.submodule.path, facts.base, number, plan.id)
    return Applied(plan=plan, labelled=labelled)


def put_labels(client: Client, repo: RepoName, number: int, labels: tuple[str, ...]) -> bool:
    """Label a pull request; False when GitHub does not find it yet. Labels that it refuses are only logged."""
    if not labels:
        return True
    try:
        repository.post_labels(client, repo, number, labels)
    except GitHubError as problem:
        log.warning("the labels of %s#%d were refused: %s", repo, number, problem)
        return not any(words in problem.message for words in _NOT_FOUND_YET)
    return True


def _push_bump(tools: BumpTools, client: Client, at: FleetAt, facts: BumpFacts, decision: ProposeBump) -> CommitSha:
    if not decision.commit and facts.branch is not None:
        return facts.branch.head
    head = repository.push_gitlink(
        client,
        facts.fleet,
        parent=facts.base_head,
        base_tree=at.mirror.tree_of(facts.base_head),
        path=facts.submodule.path,
        pin=decision.pin,
        message=f"Bump {facts.submodule.path} from {short(facts.pin)} to {short(decision.pin)}",
    )
    note_new_commit(client, facts.fleet, head)
    branch = bump_branch(facts.base, facts.submodule.path)
    tools.plans.store.note_pushed(facts.fleet, branch, head, pin=decision.pin)
    repository.push_branch(client, facts.fleet, branch, head, exists=facts.branch is not None)
    return head


def post_plan_check(
    client: Client, repo: RepoName, head: CommitSha, plan: Plan, links: Links, *, fresh: bool = False
) -> None:
    """Post the check run that shows `plan` on `head`, with its buttons; `fresh`: the commit is new, and has none."""
    ensure_check(
        client,
        repo,
        head,
        CHECK_NAME,
        partial(render_check, plan, links),
        external_id=plan.id,
        details_url=links.details,
        buttons=BUTTONS,
        is_new_commit=fresh,
    )


def _report_refused(client: Client, at: FleetAt, facts: BumpFacts, problem: BranchRefused, *, kept: bool) -> None:
    branch = bump_branch(facts.base, facts.submodule.path)
    head, mirror = facts.base_head, at.mirror
    report_refused_branch(
        client, facts.fleet, head, problem, mirror=mirror, branch=branch, check=BUMP_CHECK, kept=kept
    )


def close(tools: BumpTools, client: Client, at: FleetAt, facts: BumpFacts, decision: CloseBump) -> None:
    """Close what is left of a proposal that is no longer needed."""
    # The list may still show a pull request as open that was merged a moment ago.
    if decision.close is not None and repository.read_pull(client, facts.fleet, decision.close).state == "open":
        pin = facts.pin
        note = render_note(decision.reason, facts.submodule.path, pin=pin, tip=facts.tip, people=())
        put_comment(
            client, facts.fleet, decision.close, marker=markers.NOTE, body=note, login=tools.fleets.app.login()
        )
        repository.close_pull(client, facts.fleet, decision.close)
    if decision.delete_branch:
        try:
            repository.delete_branch(client, facts.fleet, bump_branch(facts.base, facts.submodule.path))
        except BranchRefused as problem:
            _report_refused(client, at, facts, problem, kept=True)


def withhold(tools: BumpTools, client: Client, at: FleetAt, facts: BumpFacts, decision: WithholdBump) -> None:
    """Explain why there is no new proposal: in the open pull request, else on the head of the base branch."""
    people = facts.branch.people if facts.branch else ()
    note = render_note(
        decision.reason,
        facts.submodule.path,
        pin=facts.pin,
        tip=facts.tip,
        people=people,
        prefix=at.file.commands.prefix,
    )
    pull = facts.pull or facts.retargeted
    if pull is not None:
        put_comment(client, facts.fleet, pull.number, marker=markers.NOTE, body=note, login=tools.fleets.app.login())
        return
    said = f"{decision.reason}:{facts.submodule.path}:{facts.tip or ''}"
    title = f"No bump of {facts.submodule.path}: {decision.reason.replace('_', ' ')}"
    render = partial(CheckText, title=title, summary=note, text="", conclusion="neutral")
    ensure_check(client, facts.fleet, facts.base_head, BUMP_CHECK, render, external_id=said)
