"""Plan an open pull request again and post the plan, or open the pull request that moves a pin back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.names import BranchName, CommitSha, PullNumber, SubmodulePath, short
from bot.domain.verbs import Verb, spell_verb
from bot.features.bump import apply as bump_apply
from bot.features.bump import read as gather
from bot.features.bump.decide import decide_bump
from bot.features.bump.facts import BumpFacts
from bot.features.bump.jobs import bump_branch, encode_path
from bot.features.bump.pull import link_plan, plan_head
from bot.features.bump.text import render_body
from bot.features.commands.facts.record import CommandRecord
from bot.features.fleets.facts import Pinned
from bot.features.fleets.jobs import OWN_BRANCHES
from bot.features.fleets.read import FleetAt
from bot.github.client import Client
from bot.github.endpoints import repository
from bot.github.endpoints.people import PullDetail
from bot.plan.model import Plan
from bot.plan.report.links import Links
from bot.planner.plans import Revision, plan_between
from bot.text import markdown as md

if TYPE_CHECKING:
    from bot.features.commands.run import CommandTools


def post_new_plan(tools: CommandTools, client: Client, at: FleetAt, pinned: Pinned, pull: PullDetail) -> Plan | None:
    """The new plan, posted; None when there is nothing to propose any more (the bump's note says why)."""
    if pull.head.ref == bump_branch(at.base, pinned.submodule):
        facts = gather.read_bump_facts(tools.bump, client, at, pinned)
        if facts is None:
            return None
        if facts.branch is None or not facts.branch.people:
            return _plan_bump(tools, client, at, facts)
    return _plan_head(tools, client, at, pinned, pull)


def _plan_bump(tools: CommandTools, client: Client, at: FleetAt, facts: BumpFacts) -> Plan | None:
    return bump_apply.apply_bump(tools.bump, client, at, facts, decide_bump(facts)).plan


def _plan_head(tools: CommandTools, client: Client, at: FleetAt, pinned: Pinned, pull: PullDetail) -> Plan | None:
    """Plan somebody else's pull request, and post the plan."""
    head = CommitSha(pull.head.sha)
    plan = plan_head(tools.bump, at, pinned, head)
    if plan is None:
        return None
    links = link_plan(tools.bump, at, pinned, plan)
    _post_plan(tools, client, at, plan, number=PullNumber(pull.number), head=head, links=links)
    return plan


def pin_back_branch(base: BranchName, submodule: SubmodulePath) -> BranchName:
    """The one branch that a rollback of `submodule` on `base` lives on."""
    return BranchName(f"{OWN_BRANCHES}rollback/{base}/{encode_path(submodule)}")


def open_pin_back(
    tools: CommandTools, client: Client, at: FleetAt, pinned: Pinned, *, record: CommandRecord, pin: CommitSha
) -> str:
    """The address of the open pull request that moves the pin to `pin`, made or found; "" when it is there."""
    path, branch = pinned.submodule, pin_back_branch(at.base, pinned.submodule)
    now = at.mirror.pin_at(at.head, path)
    if now is None or now == pin:
        return ""
    pulls = repository.find_pulls(client, at.repo, head=branch, base=at.base)
    held = next((pull for pull in pulls if pull.state == "open"), None)
    title = f"Roll {path} back from {short(now)} to {short(pin)}"
    tip = at.mirror.resolve(f"refs/heads/{branch}")
    if tip is None or not _moves_pin_alone(at, tip, path, pin):
        commit = repository.push_gitlink(
            client,
            at.repo,
            parent=at.head,
            base_tree=at.mirror.tree_of(at.head),
            path=path,
            pin=pin,
            message=title,
        )
        repository.push_branch(client, at.repo, branch, commit, exists=tip is not None)
        tip = commit
    plan = _read_plan(tools, at, pinned, now, pin)
    if plan is None:
        return held.html_url if held else ""
    links = link_plan(tools.bump, at, pinned, plan)
    resume = md.code(spell_verb(Verb.RESUME, prefix=record.prefix))
    why = (
        f"Requested by {md.text(record.actor)} in #{record.pull}. The upstream commit {md.code(short(now))} is "
        f"not proposed again until upstream moves past it or somebody comments {resume}."
    )
    body = f"{why}\n\n{render_body(plan, links)}"
    if held is None:
        held = repository.open_pull(client, at.repo, head=branch, base=at.base, title=title, body=body)
        bump_apply.put_labels(client, at.repo, held.number, at.file.labels)
    elif (held.title, held.body) != (title, body):
        repository.edit_pull(client, at.repo, held.number, title=title, body=body)
    _post_plan(tools, client, at, plan, number=PullNumber(held.number), head=tip, links=links)
    return held.html_url


def _moves_pin_alone(at: FleetAt, tip: CommitSha, path: SubmodulePath, pin: CommitSha) -> bool:
    """Whether `tip` is the base's head with `path` at `pin` and no other change, so that its plan is the base's plan.

    The branch's name is known beforehand: somebody else may have pushed other files to it.
    """
    if at.mirror.pin_at(tip, path) != pin or not at.mirror.is_ancestor(at.head, tip):
        return False
    return set(at.mirror.changed_files(at.head, tip)) == {str(path)}


def _read_plan(tools: CommandTools, at: FleetAt, pinned: Pinned, old: CommitSha, new: CommitSha) -> Plan | None:
    upstream, submodule = tools.fleets.mirrors.of(pinned.upstream), at.submodule(pinned.submodule)
    if submodule is None or upstream.resolve(old) is None or upstream.resolve(new) is None:
        return None
    return plan_between(
        Revision(at.head, old),
        Revision(at.head, new),
        fleet=at.file,
        submodule=submodule,
        mirror=at.mirror,
        upstream=upstream,
        renderer=tools.bump.plans.renderer,
        repo=at.repo,
        upstream_name=pinned.upstream,
        commits=(new, old),  # those that are taken back
    )


def _post_plan(
    tools: CommandTools, client: Client, at: FleetAt, plan: Plan, *, number: PullNumber, head: CommitSha, links: Links
) -> None:
    """Store the plan, post its check on `head`, and record it as the one that the pull request shows."""
    tools.bump.plans.store.save(plan)
    bump_apply.post_plan_check(client, at.repo, head, plan, links)
    tools.bump.plans.store.mark_posted(at.repo, number, plan.id)
