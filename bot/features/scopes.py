"""As whom a look works: for its own repositories, with no more rights than its kind of work needs."""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.names import InstallationId, RepoName
from bot.features.fleets.jobs import FetchMissedDeliveries, SyncAllInstallations, SyncFleet, SyncInstallation
from bot.features.hub.jobs import SyncHub
from bot.features.upstream.jobs import SyncUpstream, SyncUpstreamPull
from bot.features.world import World
from bot.github.client import Client
from bot.github.manifest import permissions
from bot.service.router import Look

LISTING: Mapping[str, str] = {"metadata": "read"}
READING: Mapping[str, str] = {"metadata": "read", "contents": "read", "checks": "write", "pull_requests": "read"}
KEEPING: Mapping[str, str] = permissions()
_URGENT = frozenset({"command", "acknowledge"})  # tags of the looks that a person waits for


def client_for(world: World, look: Look) -> Client:
    """The client that `look` works with. RetryLater when its installation has to wait, or its budget is low.

    A fleet is read with all of its installation's repositories: which ones it pins is what the reading finds out.
    All other work has what the manifest asks for, on the fleet and what it pins.
    """
    if isinstance(look, SyncAllInstallations | FetchMissedDeliveries):
        return world.app.client()
    budget = world.app.budget(look.installation)
    budget.admit(urgent=look.__struct_config__.tag in _URGENT)
    if isinstance(look, SyncInstallation):
        world.app.renew(look.installation)
        return world.app.as_installation(look.installation, permissions=LISTING)
    if isinstance(look, SyncFleet):
        return world.app.as_installation(look.installation, permissions=READING)
    if isinstance(look, SyncUpstreamPull | SyncUpstream):
        repositories = _fleets(world, look.upstream, look.installation)
    elif isinstance(look, SyncHub):
        repositories = _shown(world, look)
    else:
        repositories = _repositories(world, look.fleet)
    return world.app.as_installation(look.installation, repositories=repositories, permissions=KEEPING)


def _repositories(world: World, fleet: RepoName) -> tuple[RepoName, ...]:
    upstreams = sorted({pin.upstream for pin in world.memory.pins_of(fleet)})
    return (fleet, *upstreams)


def _shown(world: World, look: SyncHub) -> tuple[RepoName, ...]:
    pins = world.memory.pins_shown_by(look.hub)
    return (look.hub, *sorted({repo for pin in pins for repo in (pin.fleet, pin.upstream)} - {look.hub}))


def _fleets(world: World, upstream: RepoName, installation: InstallationId) -> tuple[RepoName, ...]:
    pins = world.memory.pinned_by(upstream)
    return (upstream, *sorted({pin.fleet for pin in pins if pin.installation == installation}))
