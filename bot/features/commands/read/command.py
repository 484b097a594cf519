"""Reads only: the facts that a command is decided from, as GitHub, git and our own records tell them now.

Only what the command at hand depends on is asked for: help costs one request, a deployment a dozen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from bot.domain.names import BranchName, CommitSha, NodeName, PullNumber, SubmodulePath
from bot.domain.verbs import Verb
from bot.domain.verdicts import Permission, Verdict
from bot.features.bump import read as gather
from bot.features.bump.jobs import bump_branch
from bot.features.commands.facts.command import (
    Actor,
    CommandFacts,
    NodeAt,
    Position,
    PullFacts,
    PullState,
)
from bot.features.commands.grammar import Command
from bot.features.commands.jobs import RunCommand
from bot.features.commands.read.nodes import list_deployments_ahead, lock_of, read_node
from bot.features.commands.read.plans import find_order_plan, read_base_plan, read_plan
from bot.features.fleets import read as fleets_read
from bot.features.fleets.facts import Pinned
from bot.features.fleets.read import FleetAt, NotAFleet
from bot.features.holds.facts import HoldKind
from bot.features.review.facts import is_control_file
from bot.fleetfile import Fleet, waves_of
from bot.fleetfile.problems import YamlFileError
from bot.github.client import Client
from bot.github.endpoints import people, repository
from bot.github.endpoints.deployments import Deployment
from bot.github.endpoints.people import PullDetail
from bot.github.errors import NotFound
from bot.github.pulls import find_own_pulls
from bot.text.times import parse_time

if TYPE_CHECKING:
    from bot.features.commands.run import CommandTools

_ABOUT_NODES = (Verb.DEPLOY, Verb.ROLLBACK, Verb.RETRY, Verb.STATUS)
_ABOUT_PLANS = (Verb.DEPLOY, Verb.RETRY)
_READ_UPSTREAM = (Verb.PLAN, Verb.DEPLOY, Verb.ROLLBACK, Verb.RETRY, Verb.RESUME)


class CommandContext(NamedTuple):
    """A command's facts, and where it was written. `pinned` is the pin that the pull request moves."""

    facts: CommandFacts
    at: FleetAt | None
    pinned: Pinned | None
    pull: PullDetail | None


def load_command_context(
    tools: CommandTools, client: Client, job: RunCommand, permission: Permission | None = None
) -> CommandContext:
    """The facts of one command. `permission` is its author's, if that was read already."""
    command = job.command
    verb = command.verb if isinstance(command, Command) else None
    age = read_age(tools, job)
    with ThreadPoolExecutor(1, thread_name_prefix="fetch") as pool:
        fetching = pool.submit(_fetch, tools, client, job, verb)  # while GitHub looks for the pull request
        pull = _find_pull(tools, client, job)
        listed = list_deployments_ahead(tools, client, job.fleet, pull) if verb in _ABOUT_NODES else {}
        at, problem = _read_fleet(tools, job, pull, fetching) if pull is not None else (None, "")
    file = at.file if at is not None else None
    actor = _read_actor(client, job, file, permission or people.read_permission(client, job.fleet, job.actor))
    facts = CommandFacts(command=command, actor=actor, age=age, fleet=file, fleet_problem=problem, bound=job.bound)
    if at is None or pull is None or verb is None or verb is Verb.HELP:
        return CommandContext(facts, at, None, pull)
    pins = [pin for pin in tools.fleets.pins.pins_of(at.repo) if pin.base == at.base]
    return _read_in_pull(tools, client, job, at, pull=pull, pins=pins, facts=facts, verb=verb, listed=listed)


def _read_in_pull(
    tools: CommandTools,
    client: Client,
    job: RunCommand,
    at: FleetAt,
    *,
    pull: PullDetail,
    pins: Sequence[Pinned],
    facts: CommandFacts,
    verb: Verb,
    listed: Mapping[NodeName, Sequence[Deployment]],
) -> CommandContext:
    there = read_pull_facts(at, pull, pins)
    pinned = next((pin for pin in pins if pin.submodule in there.pins), next(iter(pins), None))
    locks = tools.bump.holds.find_locks(at.repo, now=tools.fleets.now())
    submodule = pinned.submodule if pinned else None
    about_nodes = submodule is not None and verb in _ABOUT_NODES
    nodes = tuple(
        read_node(tools, client, at, node, submodule=submodule, locks=locks, listed=listed.get(node.name))
        if about_nodes and submodule is not None
        else NodeAt(node=node, lock=lock_of(node, locks))
        for node in at.file.nodes
    )
    plan, verdict = None, Verdict.UNKNOWN
    base = base_position(at, submodule) if submodule else None
    if verb in _ABOUT_PLANS:
        plan = find_order_plan(tools, at.repo, there, facts.command, base=base) or read_plan(
            tools, client, at.repo, pull, job.written_at
        )
        if there.state is PullState.OPEN and not there.from_fork:
            verdict = people.read_verdict(client, at.repo, pull)
    whole = msgspec.structs.replace(
        facts,
        pull=there,
        plan=plan,
        verdict=verdict,
        base=base,
        base_plan=read_base_plan(tools, client, at, there, base) if verb is Verb.DEPLOY else None,
        nodes=nodes,
        waves=waves_of(at.file.deploy, at.file.nodes),
    )
    return CommandContext(_with_holds(tools, client, at, pinned, facts=whole, verb=verb), at, pinned, pull)


def _find_shown(tools: CommandTools, client: Client, job: RunCommand, sha: CommitSha) -> PullNumber | None:
    """The pull request of a button on a commit that GitHub lists none for: it lags, or the head has moved since.

    It is the one that shows the button's plan, or the bump for whose branch we made the commit.
    """
    shown = tools.bump.plans.store.find_pulls(job.fleet, job.bound) if job.bound else frozenset()
    if shown:
        return max(shown)
    for pin in tools.fleets.pins.pins_of(job.fleet):
        branch = bump_branch(pin.base, pin.submodule)
        if sha in tools.bump.plans.store.find_pushed(job.fleet, branch):
            pulls = find_own_pulls(client, job.fleet, head=branch)
            return next((PullNumber(pull.number) for pull in pulls if pull.base.ref == pin.base), None)
    return None


def _find_pull(tools: CommandTools, client: Client, job: RunCommand) -> PullDetail | None:
    number = job.number
    if number is None and job.sha is not None:
        found = repository.find_pulls_of_commit(client, job.fleet, job.sha)
        number = next((PullNumber(p.number) for p in found if p.head.sha == job.sha), None)
        number = number or _find_shown(tools, client, job, job.sha)
    if number is None:
        return None
    try:
        return people.read_pull_detail(client, job.fleet, number)
    except NotFound:
        return None


def _fetch(tools: CommandTools, client: Client, job: RunCommand, verb: Verb | None) -> None:
    """Bring the fleet's mirror up to date, and what it pins for a verb that reads it."""
    pins = tools.fleets.pins.pins_of(job.fleet) if verb in _READ_UPSTREAM else ()
    fleets_read.fetch_all(tools.fleets, client, [job.fleet, *(pin.upstream for pin in pins)])


def _read_fleet(
    tools: CommandTools, job: RunCommand, pull: PullDetail, fetching: Future[None]
) -> tuple[FleetAt | None, str]:
    """The fleet at the head of the pull request's base: never what the pull request itself says of it."""
    fetching.result()
    try:
        return fleets_read.read_fleet(tools.fleets, job.fleet, BranchName(pull.base.ref)), ""
    except NotAFleet:
        return None, ""
    except YamlFileError as problem:
        return None, str(problem)


def read_age(tools: CommandTools, job: RunCommand) -> float:
    """Seconds since the command was written; 0 for a button."""
    return max(0.0, tools.fleets.now() - parse_time(job.written_at)) if job.written_at else 0.0


def _read_actor(client: Client, job: RunCommand, file: Fleet | None, permission: Permission) -> Actor:
    named = [
        principal.removeprefix("team:")
        for principals in (
            *(file.commands.who.values() if file else ()),
            *((file.commands.break_glass,) if file else ()),
            *(node.who for node in (file.nodes if file else ())),
        )
        for principal in principals
        if principal.startswith("team:")
    ]
    org = job.fleet.split("/", maxsplit=1)[0]
    teams = people.read_teams(client, org, dict.fromkeys(named), job.actor)
    return Actor(login=job.actor, permission=permission, teams=teams)


def read_pull_facts(at: FleetAt, pull: PullDetail, pins: Sequence[Pinned]) -> PullFacts:
    """A pull request as a command sees it. Commits are compared in the mirror; a fork's are not there."""
    state = PullState.MERGED if pull.merged_at else PullState(pull.state)
    from_fork = pull.is_from_fork(at.repo)
    head = CommitSha(pull.head.sha)
    merge = CommitSha(pull.merge_commit_sha) if pull.merged_at and pull.merge_commit_sha else None
    new = at.mirror.resolve(merge or head)
    old = at.mirror.resolve(f"{merge}^") if merge else at.mirror.merge_base(at.head, new) if new else None
    moved = tuple(
        pin.submodule
        for pin in pins
        if new and old and at.mirror.pin_at(new, pin.submodule) not in (None, at.mirror.pin_at(old, pin.submodule))
    )
    changed = at.mirror.changed_files(old, new) if old and new and state is PullState.OPEN else ()
    one = moved[0] if len(moved) == 1 else None
    return PullFacts(
        number=PullNumber(pull.number),
        state=state,
        head=head,
        base=at.base,
        base_head=at.head,
        from_fork=from_fork,
        control_files=tuple(path for path in changed if is_control_file(path)),
        pins=moved,
        pin=at.mirror.pin_at(new, one) if one and new else None,
        base_pin=at.mirror.pin_at(at.head, one) if one else None,
        merge=merge,
    )


def base_position(at: FleetAt, submodule: SubmodulePath) -> Position | None:
    """The newest commit of the base that moved this pin."""
    commit = at.mirror.last_change(at.head, submodule)
    pin = at.mirror.pin_at(commit, submodule) if commit else None
    return Position(commit=commit, pin=pin) if commit and pin else None


def _with_holds(
    tools: CommandTools, client: Client, at: FleetAt, pinned: Pinned | None, *, facts: CommandFacts, verb: Verb
) -> CommandFacts:
    if pinned is None or verb not in (Verb.HOLD, Verb.RESUME, Verb.STATUS):
        return facts
    holds = tools.bump.holds.find_holds(at.repo, at.base, pinned.submodule)
    hold = next((one for one in holds if one.kind is HoldKind.HOLD), None)
    rolled_back = False
    if verb is Verb.RESUME:
        tip = tools.fleets.mirrors.of(pinned.upstream).resolve(f"refs/heads/{pinned.tracked}")
        branch = bump_branch(at.base, pinned.submodule)
        pulls = repository.find_pulls(client, at.repo, head=branch, base=at.base)
        pushed = tools.bump.plans.store.find_pushed(at.repo, branch)
        rolled_back = tip is not None and tip in gather.read_dismissed_pins(pulls, holds, pushed)
    return msgspec.structs.replace(facts, hold=hold, rolled_back=rolled_back)
