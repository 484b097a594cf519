"""The inputs of the decision whether somebody may see a fleet."""

from __future__ import annotations

from enum import StrEnum

from bot.domain.names import BranchName, RepoName, SubmodulePath
from bot.domain.values import StoredValue, Value
from bot.domain.verdicts import Permission


class Person(StoredValue, frozen=True):
    """Somebody who signed in. `id` is GitHub's number of the account: a login may change hands."""

    id: int
    login: str


class Sight(StrEnum):
    """What of a fleet is to be seen."""

    FLEET = "fleet"  # its pages: nodes, orders, audit trail
    PLAN = "plan"  # one plan, by its link
    LOGS = "logs"  # what deploys printed


class ViewFacts(Value, frozen=True):
    """What decides. `private` and `permission` are GitHub's answers of the last minutes."""

    sight: Sight
    private: bool
    permission: Permission
    for_readers: bool  # the fleet file of every base says `page: readers`


class VisibleFleet(Value, frozen=True):
    """A fleet that pages can be about."""

    name: RepoName
    installation: int
    for_readers: bool
    prefix: str = "/"  # of its commands
    pins: frozenset[tuple[BranchName, SubmodulePath]] = frozenset()  # bases and submodules that its fleet file names
