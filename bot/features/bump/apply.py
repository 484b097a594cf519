"""The only writer: carries decisions out on GitHub. Every effect is found before it is made, so that running
the same decision again, after a crash at any line, changes nothing more.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

from bot.domain.names import CommitSha, PullNumber, RepoName, short
from bot.features.bump import read as gather
from bot.features.bump.decide import BumpReason, Hold, Propose, Settle
from bot.features.bump.facts import BumpFacts
from bot.features.bump.jobs import bump_branch
from bot.features.bump.text import render_body, render_title
from bot.features.bump.text_notes import render_note
from bot.features.fleets.read import FleetAt
from bot.features.world import World
from bot.github.checks import post_check
from bot.github.client import Client
from bot.github.endpoints import repository
from bot.plan.model import Plan
from bot.plan.report.check import CHECK_NAME, CheckText, render_check
from bot.plan.report.links import Links
from bot.text import markers

log = logging.getLogger(__name__)

BUMP_CHECK = "aios/bump"
# At most three; their identifiers are what bot.features.commands.jobs.BUTTONS reads
# (REST: checks/create, `actions`).
BUTTONS = (
    {"label": "Re-plan", "identifier": "replan", "description": "Make the plan anew"},
    {"label": "Deploy first wave", "identifier": "deploy", "description": "Try this plan on the first wave"},
    {"label": "Roll back", "identifier": "rollback", "description": "Return the nodes that run this"},
)


def links_of(world: World, facts: BumpFacts, plan: Plan) -> Links:
    """Where a report's links lead."""
    return Links(web=world.web_url, fleet=facts.fleet, upstream=facts.upstream, details=plan_page(world, plan))


def plan_page(world: World, plan: Plan) -> str:
    """The address of the whole plan, or "" when nobody reaches this service."""
    return f"{world.public_url}/plans/{plan.id}" if world.public_url else ""


def propose(world: World, client: Client, at: FleetAt, facts: BumpFacts, decision: Propose) -> Plan:
    """Make the bump's one branch and pull request what `decision` says, annotated with its plan."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        # The commit does not depend on the plan: rendering and GitHub work at the same time.
        planning = pool.submit(gather.read_bump_plan, world, at, facts, decision.pin)
        head = _push_bump(client, at, facts, decision)
        plan = planning.result()
    links = links_of(world, facts, plan)
    title, body = render_title(plan), render_body(plan, links)
    if facts.pull is None:
        branch = bump_branch(facts.base, facts.submodule.path)
        pull = repository.open_pull(client, facts.fleet, head=branch, base=facts.base, title=title, body=body)
        number, labels = PullNumber(pull.number), tuple(label.name for label in pull.labels)
    else:
        number, labels = facts.pull.number, facts.pull.labels
        if (facts.pull.title, facts.pull.body) != (title, body):
            repository.edit_pull(client, facts.fleet, number, title=title, body=body)
    if not labels and at.file.labels:
        repository.post_labels(client, facts.fleet, number, at.file.labels)
    world.memory.save_plan(plan)
    post_plan_check(client, facts.fleet, head, plan, links, fresh=decision.commit)
    world.people.plan_was_posted(facts.fleet, number, plan.id)
    log.info("bump of %s on %s: pull request %d, plan %s", facts.submodule.path, facts.base, number, plan.id)
    return plan


def _push_bump(client: Client, at: FleetAt, facts: BumpFacts, decision: Propose) -> CommitSha:
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
    branch = bump_branch(facts.base, facts.submodule.path)
    repository.push_branch(client, facts.fleet, branch, head, exists=facts.branch is not None)
    return head


def post_plan_check(
    client: Client, repo: RepoName, head: CommitSha, plan: Plan, links: Links, *, fresh: bool = False
) -> None:
    """The check run that shows `plan` on `head`, with its buttons; `fresh`: nobody can have posted it yet."""
    if not fresh:
        posted = repository.find_checks(client, repo, head, name=CHECK_NAME)
        if any(run.external_id == plan.id for run in posted):
            return
    check = render_check(plan, links)
    page = links.details
    post_check(client, repo, head, CHECK_NAME, check, external_id=plan.id, details_url=page, buttons=BUTTONS)


def settle(world: World, client: Client, facts: BumpFacts, decision: Settle) -> None:
    """Close what is left of a proposal that is no longer needed."""
    if decision.close is not None:
        pin = facts.pin
        note = render_note(BumpReason.UP_TO_DATE, facts.submodule.path, pin=pin, tip=facts.tip, people=())
        put_comment(world, client, facts.fleet, decision.close, marker=markers.NOTE, body=note)
        repository.close_pull(client, facts.fleet, decision.close)
    if decision.delete_branch:
        repository.delete_branch(client, facts.fleet, bump_branch(facts.base, facts.submodule.path))


def hold(world: World, client: Client, facts: BumpFacts, decision: Hold) -> None:
    """Say why there is no new proposal: in the open pull request, else on the head of the base branch."""
    people = facts.branch.people if facts.branch else ()
    note = render_note(decision.reason, facts.submodule.path, pin=facts.pin, tip=facts.tip, people=people)
    if facts.pull is not None:
        put_comment(world, client, facts.fleet, facts.pull.number, marker=markers.NOTE, body=note)
        return
    said = f"{decision.reason}:{facts.submodule.path}:{facts.tip or ''}"
    posted = repository.find_checks(client, facts.fleet, facts.base_head, name=BUMP_CHECK)
    if not any(run.external_id == said for run in posted):
        title = f"No bump of {facts.submodule.path}: {decision.reason.replace('_', ' ')}"
        check = CheckText(title=title, summary=note, text="", conclusion="neutral", annotations=())
        post_check(client, facts.fleet, facts.base_head, BUMP_CHECK, check, external_id=said)


def put_comment(world: World, client: Client, repo: RepoName, number: PullNumber, *, marker: str, body: str) -> None:
    """The one comment with `marker`: made once, edited when its text changes."""
    text = body if marker in body else f"{body}\n\n{marker}"
    comments = repository.find_comments(client, repo, number)
    # Anybody may write the marker into a comment; only our own is ours to edit.
    held = next((c for c in comments if marker in c.body and c.user and c.user.login == world.app.login()), None)
    if held is None:
        repository.post_comment(client, repo, number, text)
    elif held.body != text:
        repository.edit_comment(client, repo, held.id, text)
