"""Which fleet pins which repository: the rows of the index, and how it is asked."""

from __future__ import annotations

from typing import Protocol

from bot.domain.names import BranchName, InstallationId, RepoName, SubmodulePath
from bot.domain.values import StoredValue
from bot.fleetfile import ShowUpstream


class Pinned(StoredValue, frozen=True):
    """One row of the index: `fleet` pins `upstream` at `submodule` on branch `base`, and follows `tracked`."""

    fleet: RepoName
    installation: InstallationId
    base: BranchName
    default_branch: BranchName  # of the fleet: where its deploy workflow is dispatched
    submodule: SubmodulePath
    upstream: RepoName
    tracked: BranchName
    waits_for_checks: bool
    hub: RepoName | None = None  # whose documents show it, as its own file says
    listed_by: RepoName | None = None  # the same, as the hub's file says
    show_upstream: ShowUpstream = ShowUpstream.AUTO
    prefix: str = "/"  # of the fleet's commands
    page_for_readers: bool = False  # its page is for anyone who has signed in, also when the repository is public


class PinIndex(Protocol):
    """Who pins what, as last read. It may be out of date for a moment: a change of a fleet is itself an event."""

    def pinned_by(self, upstream: RepoName) -> tuple[Pinned, ...]:
        """Every pin that points at `upstream`, over all fleets."""

    def pins_of(self, fleet: RepoName) -> tuple[Pinned, ...]:
        """Every pin that `fleet` holds; empty when the repository is not a fleet."""

    def pins_shown_by(self, hub: RepoName) -> tuple[Pinned, ...]:
        """Every pin of the fleets that name `hub`, or that its own file lists; all of them are of its owner."""
