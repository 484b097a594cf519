"""From bot/service/router.py: say here what this module is for."""

from __future__ import annotations

from bot.domain.names import BranchName, InstallationId, RepoName
from bot.domain.values import StoredValue


class CheckDrift(StoredValue, frozen=True, tag="drift"):
    """Do the nodes still run what they were given? Leads to read-only orders, and to issues."""

    fleet: RepoName
    installation: InstallationId
    base: BranchName
    not_before: int = 0  # seconds since the epoch; it waits in the queue until then

    @property
    def key(self) -> str:
        return self.fleet
