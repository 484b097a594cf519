"""Read what a hub's documents are made from: its fleets, their pins, and GitHub's deployments."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from bot.domain.names import CommitSha, DeploymentId, RepoName, StackName, SubmodulePath
from bot.features.fleets import read as fleets_read
from bot.features.fleets.apply import report_file_problems
from bot.features.fleets.facts import Pinned
from bot.features.fleets.read import FleetAt, NotAFleet
from bot.features.hub.decide import HubReason, decide_hub_fleet
from bot.features.hub.facts import HubFleetFacts
from bot.features.hub.jobs import SyncHub
from bot.features.hub.text import (
    DeployedView,
    FleetView,
    HubNodeView,
    HubView,
    PinView,
)
from bot.features.rollout.decide.orders import parse_task
from bot.fleetfile import HUB_FILE, Node, parse_hub
from bot.fleetfile.problems import YamlFileError
from bot.git.git import GitError
from bot.github.client import Client
from bot.github.endpoints import deployments, repository
from bot.github.endpoints.deployments import Deployment
from bot.planner.snapshot import Snapshot
from bot.planner.stacks import find_stacks

if TYPE_CHECKING:
    from bot.features.fleets.run import FleetTools

log = logging.getLogger(__name__)

_DEPLOYMENTS = 30  # newest ones of a node that are looked through


def read_listed_fleets(tools: FleetTools, client: Client, hub: RepoName, start: CommitSha) -> frozenset[str] | None:
    """The fleets that the hub's own file lists, in lower case; None without one. Reports YamlFileError and raises."""
    text = tools.mirrors.of(hub).read_file(start, HUB_FILE)
    if text is None:
        return None
    try:
        fleets = parse_hub(text.decode("utf-8", "replace")).fleets
    except YamlFileError as problem:
        report_file_problems(client, hub, start, problem)
        raise
    owner = hub.split("/")[0].lower()
    return frozenset(fleet.lower() for fleet in fleets if fleet.split("/")[0].lower() == owner)


def update_listed_fleets(tools: FleetTools, job: SyncHub, listed: frozenset[str]) -> bool:
    """Bring the index in line with the fleets that the hub's own file lists; whether that changed it."""
    before = {pin.fleet for pin in tools.pins.pins_shown_by(job.hub) if pin.listed_by is not None}
    changed = False
    for fleet in {*before, *(RepoName(name) for name in listed)}:
        wanted = job.hub if fleet.lower() in listed else None
        pins = tools.pins.pins_of(fleet)
        if any(pin.listed_by != wanted and pin.installation == job.installation for pin in pins):
            tools.pins.replace_pins(pins[0].fleet, tuple(replace(pin, listed_by=wanted) for pin in pins))
            changed = True
    return changed


def read_hub(
    tools: FleetTools,
    client: Client,
    hub: RepoName,
    pins: tuple[Pinned, ...],
    *,
    listed: frozenset[str] | None,
    hub_private: bool,
) -> HubView:
    """Every fleet of `pins` that the hub may show, as it is now; a fleet that cannot be read is left out."""
    fleets = []
    for repo in sorted({pin.fleet for pin in pins}):
        own = [pin for pin in pins if pin.fleet == repo]
        try:
            file = fleets_read.read_fleet(tools, repo, own[0].default_branch).file
            facts = HubFleetFacts(
                fleet=repo,
                named=file.hub is not None and file.hub.lower() == hub.lower(),
                listed=repo.lower() in listed if listed is not None else None,
                publish=file.publish,
                private=any(_is_private(client, one) for one in {repo, *(pin.upstream for pin in own)}),
                hub_private=hub_private,
            )
            reason = decide_hub_fleet(facts)
            if reason is not HubReason.SHOWN:
                log.info("hub %s: %s is left out: %s", hub, repo, reason)
                continue
            fleets.append(_read_fleet(tools, client, repo, own))
        except (NotAFleet, YamlFileError, GitError) as problem:
            log.info("hub %s: %s is left out: %s", hub, repo, problem)
    return HubView(hub=hub, web=tools.mirrors.web_url, fleets=tuple(fleets))


def _is_private(client: Client, repo: RepoName) -> bool:
    """Whether not everybody may read it; what cannot be seen counts as private."""
    found = repository.find_repository(client, repo)
    return found is None or found.private


def _read_fleet(tools: FleetTools, client: Client, repo: RepoName, pins: list[Pinned]) -> FleetView:
    views = []
    for pin in pins:
        view = _read_pin(tools, fleets_read.read_fleet(tools, repo, pin.base), pin)
        if view is not None:
            views.append(view)
    at = fleets_read.read_fleet(tools, repo, pins[0].default_branch)
    return FleetView(
        repo=repo,
        pins=tuple(views),
        nodes=tuple(_read_node(tools, client, repo, node, views) for node in at.file.nodes),
        required=at.file.review.required,
        optional=at.file.review.optional,
        auto_merge=at.file.review.auto_merge,
    )


def _read_pin(tools: FleetTools, at: FleetAt, pin: Pinned) -> PinView | None:
    submodule, commit = at.submodule(pin.submodule), at.mirror.pin_at(at.head, pin.submodule)
    upstream = tools.mirrors.of(pin.upstream)
    if submodule is None or commit is None:
        return None
    stacks: tuple[StackName, ...] = ()
    if upstream.resolve(commit) is not None:
        where = Snapshot(fleet=at.mirror, commit=at.head, submodule=pin.submodule, upstream=upstream, pin=commit)
        stacks = tuple(find_stacks(where, submodule))
    return PinView(base=pin.base, submodule=pin.submodule, upstream=pin.upstream, pin=commit, stacks=stacks)


def _moved(deployment: Deployment, submodule: SubmodulePath) -> bool:
    task = parse_task(deployment.task)
    return task is not None and task[1] == submodule and not task[0].reads_only


def _read_node(tools: FleetTools, client: Client, repo: RepoName, node: Node, pins: Sequence[PinView]) -> HubNodeView:
    submodules = dict.fromkeys(pin.submodule for pin in pins)
    stacks = dict.fromkeys(stack for pin in pins for stack in pin.stacks)
    newest_first = deployments.find_deployments(client, repo, environment=node.name, most=_DEPLOYMENTS)
    deployed = []
    for submodule in submodules:
        newest = next((one for one in newest_first if _moved(one, submodule)), None)
        if newest is None:
            continue
        statuses = deployments.find_deployment_statuses(client, repo, DeploymentId(newest.id))
        mirror, sha = tools.mirrors.of(repo), CommitSha(newest.sha)
        pin = mirror.pin_at(sha, submodule) if mirror.resolve(sha) else None
        state, at = (statuses[0].state, statuses[0].created_at) if statuses else ("pending", "")
        deployed.append(DeployedView(submodule=submodule, pin=pin, state=state, at=at))
    runs = tuple(stack for stack in stacks if not node.stacks or stack in node.stacks)
    return HubNodeView(name=node.name, platform=node.platform, stacks=runs, deployed=tuple(deployed))
