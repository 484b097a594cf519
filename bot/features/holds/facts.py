"""What is kept of a lock on a node and of a hold on bumps."""

from __future__ import annotations

from enum import StrEnum

from bot.domain.names import BranchName, NodeName, PullNumber, RepoName, SubmodulePath
from bot.domain.values import StoredValue


class Lock(StoredValue, frozen=True):
    """A node that is a pull request's for a while. Times are seconds since the epoch."""

    fleet: RepoName
    node: NodeName
    pull: PullNumber
    owner: str
    reason: str  # hostile
    taken_at: int
    expires_at: int


class HoldKind(StrEnum):
    """Why a pin is not moved, or is moved again."""

    HOLD = "hold"
    ROLLED_BACK = "rolled_back"  # this very upstream commit was taken back
    RESUMED = "resumed"  # somebody wants this upstream commit although it was settled


class Hold(StoredValue, frozen=True):
    """A person's word on the bumps of one submodule of one base. `pin` is empty for a hold of whatever comes."""

    fleet: RepoName
    base: BranchName
    submodule: SubmodulePath
    kind: HoldKind
    by: str
    reason: str = ""  # hostile
    pull: PullNumber | None = None
    pin: str = ""
