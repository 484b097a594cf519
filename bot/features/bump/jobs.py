"""From bot/service/router.py: say here what this module is for."""

from __future__ import annotations

from bot.domain.names import BranchName, InstallationId, RepoName, SubmodulePath
from bot.domain.values import StoredValue
from bot.features.fleets.facts import Pinned


class SyncBump(StoredValue, frozen=True, tag="bump"):
    """Is one submodule of one base branch of a fleet where its upstream is? Leads to the bump pull request."""

    fleet: RepoName
    installation: InstallationId
    base: BranchName
    submodule: SubmodulePath

    @property
    def key(self) -> str:
        return self.fleet


def _bump(pin: Pinned) -> SyncBump:
    return SyncBump(fleet=pin.fleet, installation=pin.installation, base=pin.base, submodule=pin.submodule)


def bump_branch(base: BranchName, submodule: SubmodulePath) -> BranchName:
    """The one branch a bump of `submodule` on `base` lives on, stable over its whole life."""
    return BranchName(f"aios-bot/{base}/{submodule}")
