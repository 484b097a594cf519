"""From bot/service/router.py: say here what this module is for."""

from __future__ import annotations

from bot.domain.names import InstallationId, RepoName
from bot.domain.values import StoredValue


class SyncFleet(StoredValue, frozen=True, tag="fleet"):
    """Read a repository's fleet file and pins anew, refresh the index, and look at all its bumps and rollouts."""

    fleet: RepoName
    installation: InstallationId

    @property
    def key(self) -> str:
        return self.fleet


class SyncAllInstallations(StoredValue, frozen=True, tag="around"):
    """List every installation of the App, and look at each."""

    @property
    def key(self) -> str:
        return "app"


class FetchMissedDeliveries(StoredValue, frozen=True, tag="deliveries"):
    """Compare GitHub's list of deliveries with what came in, and take in what is missing."""

    @property
    def key(self) -> str:
        return "deliveries"


class SyncInstallation(StoredValue, frozen=True, tag="installation"):
    """List the repositories of an installation, and look at each that may be a fleet."""

    installation: InstallationId

    @property
    def key(self) -> str:
        return f"installation:{self.installation}"
