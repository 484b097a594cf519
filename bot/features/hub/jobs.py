"""From bot/service/router.py: say here what this module is for."""

from __future__ import annotations

from collections.abc import Iterable

from bot.domain.names import InstallationId, RepoName
from bot.domain.values import StoredValue
from bot.features.fleets.facts import Pinned


class SyncHub(StoredValue, frozen=True, tag="hub"):
    """Do a hub's documents say how its fleets are? Leads to its one pull request."""

    hub: RepoName
    installation: InstallationId

    @property
    def key(self) -> str:
        return f"hub:{self.hub}"


def hubs_of(pins: Iterable[Pinned]) -> tuple[SyncHub, ...]:
    """The looks at the hubs that show `pins`."""
    named = {(hub, pin.installation) for pin in pins for hub in (pin.hub, pin.listed_by) if hub is not None}
    return tuple(SyncHub(hub=hub, installation=installation) for hub, installation in sorted(named))
