"""From bot/features/commands/jobs.py: say here what this module is for."""

from __future__ import annotations

from bot.domain.names import InstallationId, PullNumber, RepoName
from bot.domain.values import StoredValue


class SyncReview(StoredValue, frozen=True, tag="review"):
    """Which rule asks for a review of this pull request, and is it there? Leads to the check `aios/review`."""

    fleet: RepoName  # or an upstream: its rules are the same
    installation: InstallationId
    number: PullNumber

    @property
    def key(self) -> str:
        return self.fleet
