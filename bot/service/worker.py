"""One look, from facts to effects: gather, decide, carry out. The same way for a webhook and a schedule tick."""

from __future__ import annotations

import logging

from msgspec.structs import replace

from bot.domain.errors import RetryLater
from bot.domain.names import BranchName, InstallationId, PullNumber, RepoName
from bot.features.bump.jobs import SyncBump
from bot.features.bump.run import _look_at_bump
from bot.features.commands import run as conversation
from bot.features.commands.jobs import CloseOutPull, PullLook, RunCommand
from bot.features.drift.jobs import CheckDrift
from bot.features.drift.run import _look_at_drift
from bot.features.fleets import apply as fleets_apply
from bot.features.fleets import read as fleets_read
from bot.features.fleets.facts import Pinned
from bot.features.fleets.jobs import FetchMissedDeliveries, SyncAllInstallations, SyncFleet, SyncInstallation
from bot.features.fleets.read import _read_fleet
from bot.features.hub.jobs import SyncHub, hubs_of
from bot.features.hub.read import look_at_hub
from bot.features.review.jobs import SyncReview
from bot.features.rollout.jobs import SyncRollout
from bot.features.rollout.run import _look_at_rollout
from bot.features.scopes import client_for
from bot.features.upstream import apply as upstream
from bot.features.upstream.jobs import SyncUpstream, SyncUpstreamPull
from bot.features.world import World
from bot.fleetfile import FLEET_FILE, HUB_FILE
from bot.fleetfile.yaml_lines import Problem, YamlFileError
from bot.github.client import Client
from bot.github.endpoints import repository
from bot.service.router import Look

log = logging.getLogger(__name__)


def look_again(world: World, look: Look) -> tuple[Look, ...]:
    """Do what `look` asks for. Returns the looks that follow from what it found."""
    if isinstance(look, SyncAllInstallations):
        return tuple(SyncInstallation(installation=found) for found in world.app.find_installations())
    if isinstance(look, SyncRollout | CheckDrift):
        return _look_at_orders(world, look)
    client = client_for(world, look)
    if isinstance(look, PullLook):
        return (*conversation.look_at_pull(world, client, look), *_freed(world, look))
    match look:
        case SyncBump():
            _look_at_bump(world, client, look)
            return ()
        case SyncFleet():
            return _look_at_fleet(world, client, look)
        case SyncHub():
            return look_at_hub(world, client, look)
        case FetchMissedDeliveries():
            raise AssertionError("the inbox itself looks at deliveries")
        case SyncUpstream():
            return upstream.look_at_upstream(client, look)
        case SyncUpstreamPull():
            upstream.look_at_upstream_pull(world, client, look)
            return ()
        case SyncInstallation():
            found = repository.find_repositories(client)
            return tuple(
                SyncFleet(fleet=RepoName(repo.full_name), installation=look.installation)
                for repo in found
                if not repo.archived
            )


def _freed(world: World, look: PullLook) -> tuple[Look, ...]:
    """A command and a pull request's end may give nodes back, for which a merge waits."""
    if not isinstance(look, RunCommand | CloseOutPull):
        return ()
    bases = dict.fromkeys(pin.base for pin in world.memory.pins_of(look.fleet))
    return tuple(SyncRollout(fleet=look.fleet, installation=look.installation, base=base) for base in bases)


def _look_at_orders(world: World, look: SyncRollout | CheckDrift) -> tuple[Look, ...]:
    """Those that may wait in the queue for their time."""
    if look.not_before > world.now():
        raise RetryLater("its time has not come", seconds=look.not_before - world.now())
    client = client_for(world, look)
    if isinstance(look, CheckDrift):
        return _look_at_drift(world, client, look)
    return _look_at_rollout(world, client, look)


def _look_at_fleet(world: World, client: Client, look: SyncFleet) -> tuple[Look, ...]:
    """Read anew who pins what, then look at each of its bumps, rollouts and open pull requests."""
    repo = repository.find_repository(client, look.fleet)
    if repo is None or not repository.has_file(client, look.fleet, FLEET_FILE):
        world.memory.replace_pins(look.fleet, ())
        is_hub = repo is not None and repository.has_file(client, look.fleet, HUB_FILE)
        return (SyncHub(hub=look.fleet, installation=look.installation),) if is_hub else ()
    fleets_read.fetch_all(world, client, [look.fleet])
    default = BranchName(repo.default_branch)
    listed_by = next((pin.listed_by for pin in world.memory.pins_of(look.fleet)), None)
    read = _read_all_pins(world, client, look.installation, look.fleet, default)
    pins = tuple(replace(pin, listed_by=listed_by) for pin in read)
    world.memory.replace_pins(look.fleet, pins)
    bumps = (SyncBump(fleet=p.fleet, installation=p.installation, base=p.base, submodule=p.submodule) for p in pins)
    bases = dict.fromkeys(p.base for p in pins)
    rollouts = (SyncRollout(fleet=look.fleet, installation=look.installation, base=base) for base in bases)
    drifts = (CheckDrift(fleet=look.fleet, installation=look.installation, base=base) for base in bases)
    upstreams = dict.fromkeys(p.upstream for p in pins)
    theirs = (SyncUpstream(upstream=one, installation=look.installation) for one in upstreams)
    # Only an event of the pull request leads to its review otherwise, and one that was lost would leave it without.
    pulls = repository.find_open_pulls(client, look.fleet) if pins else ()
    reviewed = (
        SyncReview(fleet=look.fleet, installation=look.installation, number=PullNumber(pull.number)) for pull in pulls
    )
    return (*bumps, *rollouts, *drifts, *reviewed, *theirs, *hubs_of(pins))


def _read_all_pins(
    world: World, client: Client, installation: InstallationId, repo: RepoName, default: BranchName
) -> tuple[Pinned, ...]:
    main = _read_fleet(world, client, repo, default)
    if main is None:
        return ()
    pins: list[Pinned] = []
    for base in main.file.bases or (default,):
        at = main if base == default else _read_fleet(world, client, repo, base)
        if at is not None:
            if at.broken:
                # The other submodules go on; this is for the person who can mend the file.
                problem = YamlFileError(tuple(Problem(*broken) for broken in at.broken), path=".gitmodules")
                fleets_apply.report_file_problems(client, repo, at.head, problem)
            pins.extend(fleets_read.read_pins(world, client, installation, at, default_branch=default))
    return tuple(pins)
