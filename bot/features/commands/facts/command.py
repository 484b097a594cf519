"""What a decision about a command starts from: who, where, which plan, and how the nodes stand. Frozen, read now."""

from __future__ import annotations

from enum import StrEnum

from bot.domain.names import BranchName, CommitSha, NodeName, PlanId, PullNumber, StackName, SubmodulePath
from bot.domain.values import StoredValue, Value
from bot.domain.verdicts import Permission, Verdict
from bot.features.commands.grammar import Command, Misread
from bot.features.holds.facts import Hold, Lock
from bot.features.rollout.facts import PastOrder
from bot.fleetfile import Fleet, Node


class Actor(Value, frozen=True):
    """Who asks. `teams` are those of the teams named in the fleet file whose member they are."""

    login: str
    permission: Permission
    teams: frozenset[str] = frozenset()

    def is_any_of(self, principals: tuple[str, ...]) -> bool:
        """Whether one of the fleet file's principals (`write`, `team:SLUG`, `person:LOGIN`) means this person."""
        if self.permission is Permission.UNKNOWN:
            return False
        for principal in principals:
            kind, _, name = principal.partition(":")
            if kind == "team" and name in self.teams:
                return True
            if kind == "person" and name.lower() == self.login.lower():
                return True
            if not name and self.permission.reaches(Permission(kind)):
                return True
        return False


class PullState(StrEnum):
    """Where a pull request is."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"  # without a merge


class PullFacts(Value, frozen=True):
    """The pull request that a command was written in."""

    number: PullNumber
    state: PullState
    head: CommitSha
    base: BranchName
    base_head: CommitSha
    from_fork: bool = False
    control_files: tuple[
        str, ...
    ] = ()  # changed ones that decide what runs where: workflows, actions, the fleet file
    pins: tuple[SubmodulePath, ...] = ()  # the submodules it moves
    pin: CommitSha | None = None  # what its head pins for the one it moves
    base_pin: CommitSha | None = None  # what the base's head pins for it
    merge: CommitSha | None = None  # the commit of the base that brought it in


class PostedPlan(Value, frozen=True):
    """The newest plan that the pull request shows."""

    id: PlanId
    head: CommitSha | None  # that it was posted on; None: on none that is the head now
    base: CommitSha
    old: CommitSha | None
    new: CommitSha
    stacks: frozenset[StackName] = frozenset()
    posted_after: bool = False  # after the comment, by GitHub's own clock
    for_order: bool = False  # of one node's order for exactly the commit at hand, named by its id in the command


class Position(StoredValue, frozen=True):
    """A commit of the fleet and what it pins."""

    commit: CommitSha
    pin: CommitSha


class NodeAt(Value, frozen=True):
    """A node, its orders, and what they come to for the submodule at hand."""

    node: Node
    past: tuple[PastOrder, ...] = ()  # newest first
    runs: Position | None = None  # what it deployed last with success
    good: tuple[Position, ...] = ()  # where it can go back to: on the base, newest first, each once
    is_settled: bool = True  # its newest order succeeded: it runs all of what it deployed last, and gets nothing else
    ahead: PullNumber | None = None  # it runs, or is on the way to, this pull request's head, not on the base
    apart: dict[StackName, Position] = {}  # stacks that a later order for a few of them deployed
    lock: Lock | None = None

    @property
    def under_way(self) -> PastOrder | None:
        """The order that it is at, or that waits for its runner."""
        return next((order for order in self.past if order.stage.is_open), None)


class CommandFacts(Value, frozen=True):
    """One command and everything it depends on."""

    command: Command | Misread
    actor: Actor
    age: float  # seconds since it was written
    fleet: Fleet | None  # None: this repository is none
    fleet_problem: str = ""  # why its file cannot be read
    pull: PullFacts | None = None  # None: it could not be found
    plan: PostedPlan | None = None
    bound: PlanId | None = None  # the plan that stood there when it was written
    verdict: Verdict = Verdict.UNKNOWN
    base: Position | None = None  # the newest commit of the base that moved the pin, and that pin
    base_plan: PlanId | None = None  # shown by the later pull request that brought `base`; None: nobody approved it
    nodes: tuple[NodeAt, ...] = ()  # every node of the fleet, in the file's order
    waves: tuple[tuple[NodeName, ...], ...] = ()  # first to last
    hold: Hold | None = None  # of the submodule's bumps
    rolled_back: bool = False  # the tip is settled: it is not proposed again by itself
    in_review: bool = False  # it stands in the text of a review
    too_many: bool = False  # its author gave too many before it (decide_attention)
