"""From bot/service/router.py: say here what this module is for."""

from __future__ import annotations

from bot.domain.names import BranchName, InstallationId, RepoName
from bot.domain.values import StoredValue


class SyncRollout(StoredValue, frozen=True, tag="rollout"):
    """Do the nodes run what a merged pull request approved? Leads to deployments and their sticky comment."""

    fleet: RepoName
    installation: InstallationId
    base: BranchName
    not_before: int = 0  # seconds since the epoch; it waits in the queue until then (a soak time, an absent node)

    @property
    def key(self) -> str:
        return self.fleet
