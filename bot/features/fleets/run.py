"""Find fleets and what they pin, and report what was read to the other features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from bot.domain.names import BranchName, RepoName
from bot.features.fleets.apply import report_access
from bot.features.fleets.jobs import FleetRead, HubFound, Outcome, PullsListed, SyncFleet, SyncInstallation
from bot.features.fleets.read import FleetAt, list_pulls, prepare_look, read_all_pins
from bot.features.fleets.store import PinStore
from bot.fleetfile import FLEET_FILE, HUB_FILE
from bot.git.mirrors import Mirrors
from bot.github.app import App
from bot.github.client import Client
from bot.github.endpoints import repository


@dataclass(frozen=True)
class FleetTools:
    """What every job on a fleet uses."""

    app: App
    mirrors: Mirrors
    pins: PinStore
    now: Callable[[], float]  # seconds since the epoch
    known: dict[tuple[RepoName, BranchName], FleetAt] = field(default_factory=dict)  # base branches as read last


def sync_installation(tools: FleetTools, client: Client, job: SyncInstallation) -> Outcome:
    """List the repositories of an installation; an archived one cannot be written to."""
    found = [RepoName(repo.full_name) for repo in repository.find_repositories(client) if not repo.archived]
    tools.pins.keep_fleets(job.installation, found)
    return tuple(SyncFleet(fleet=name, installation=job.installation) for name in found)


def sync_fleet(tools: FleetTools, client: Client, job: SyncFleet) -> Outcome:
    """Read who pins what, and list the open pull requests: an event of one of them may have been lost."""
    repo = repository.find_repository(client, job.fleet)
    if repo is not None and repo.full_name.lower() != job.fleet.lower():  # renamed, and GitHub redirects
        tools.pins.replace_pins(job.fleet, ())
        return (replace(job, fleet=RepoName(repo.full_name)),)
    if repo is None or repo.archived or not repository.has_file(client, job.fleet, FLEET_FILE):
        tools.pins.replace_pins(job.fleet, ())
        is_hub = repo is not None and repository.has_file(client, job.fleet, HUB_FILE)
        return (HubFound(hub=job.fleet, installation=job.installation),) if is_hub else ()
    if first := prepare_look(tools, client, job, repo):
        return first
    read = read_all_pins(tools, client, job, BranchName(repo.default_branch))
    before = tools.pins.pins_of(job.fleet)
    pins = tuple(replace(pin, listed_by=next((p.listed_by for p in before), None)) for pin in read.pins)
    tools.pins.replace_pins(job.fleet, pins)
    access = report_access(tools, client, job, repo.default_branch, read.unreadable)
    pulls = list_pulls(client, job.fleet) if pins or before else ()
    found = FleetRead(fleet=job.fleet, installation=job.installation, pins=pins)
    return (found, *access, PullsListed.of(job.fleet, job.installation, pulls, is_fleet=bool(pins)))
