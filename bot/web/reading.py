"""Read what the pages and the API show of a fleet: each table by its feature's own store, few queries a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from bot.domain.names import NodeName, RepoName, StackName
from bot.domain.values import Value
from bot.features.holds.facts import Hold, Lock
from bot.features.holds.store import HoldStore
from bot.features.outbox.pulls import FleetWaits, WaitingPulls
from bot.features.rollout.history import NodeDetails, OrderHistory, RolloutDetails
from bot.features.rollout.store import NodeStatus, RolloutStatus, RolloutStore
from bot.features.visitors.facts import VisibleFleet
from bot.storage.store import Store
from bot.web.why import Obstacle, describe_holds, find_obstacles, summarise

ReadBudget = Callable[[int], tuple[int, int, int]]
"""Of an installation's requests to GitHub: how many are left, of how many, and when there are new ones (seconds)."""

_GRAVITIES = ("risky", "notice", "calm")


class FleetStores(NamedTuple):
    """What the pages of a fleet read."""

    statuses: RolloutStore
    holds: HoldStore
    history: OrderHistory
    waiting: WaitingPulls
    database: Store
    read_budget: ReadBudget


def _unknown(_installation: int) -> tuple[int, int, int]:
    return 0, 0, 0


def make_stores(database: Store, statuses: RolloutStore, read_budget: ReadBudget = _unknown) -> FleetStores:
    """All of them, in one database."""
    return FleetStores(
        statuses, HoldStore(database), OrderHistory(database), WaitingPulls(database), database, read_budget
    )


class ShownNode(Value, frozen=True):
    """One node of a rollout, and why it does not move."""

    status: NodeStatus
    details: NodeDetails
    obstacles: tuple[Obstacle, ...]


class ShownRollout(Value, frozen=True):
    """One submodule of one base branch, node by node."""

    status: RolloutStatus
    upstream: RepoName | None
    merged_by: str
    holds: tuple[Obstacle, ...]
    nodes: tuple[ShownNode, ...]

    @property
    def good(self) -> int:
        """How many nodes run what was merged."""
        return sum(node.status.standing == "good" for node in self.nodes)


class ShownFleet(Value, frozen=True):
    """A fleet as its page shows it."""

    fleet: VisibleFleet
    rollouts: tuple[ShownRollout, ...]
    waiting: FleetWaits

    @property
    def stacks(self) -> tuple[StackName, ...]:
        """Every stack that some node has, by name."""
        return tuple(sorted({name for one in self.rollouts for node in one.nodes for name in node.details.stacks}))

    @property
    def refused(self) -> tuple[NodeName, ...]:
        """The nodes whose orders were refused because their plans go beyond the approved ones."""
        nodes = (node for one in self.rollouts for node in one.nodes)
        return tuple(node.status.node for node in nodes if node.details.refused is not None)

    def summarise(self) -> tuple[str, str]:
        """One sentence on all of it, and how grave it is."""
        return summarise([one.status for one in self.rollouts], waiting=len(self.waiting.pulls), refused=self.refused)

    def of_node(self, name: str) -> tuple[tuple[ShownRollout, ShownNode], ...]:
        """Where one node stands in each rollout; empty for a node that no rollout knows."""
        return tuple((one, node) for one in self.rollouts for node in one.nodes if node.status.node == name)

    def of_stack(self, name: str) -> tuple[tuple[ShownRollout, ShownNode], ...]:
        """Where a stack stands on each node that has it."""
        return tuple((one, node) for one in self.rollouts for node in one.nodes if name in node.details.stacks)


class ListedFleet(Value, frozen=True):
    """A fleet in the list of fleets: one sentence, and how grave it is."""

    name: RepoName
    words: str
    gravity: str


def list_states(stores: FleetStores, fleets: Sequence[VisibleFleet]) -> tuple[ListedFleet, ...]:
    """How each of `fleets` stands, those that need somebody first, in two queries for all of them."""
    pages = {stores.statuses.page_of(fleet.name): fleet for fleet in fleets}
    rollouts, waiting = stores.history.find_all_rollouts(pages), stores.waiting.count()
    found = []
    for page, fleet in pages.items():
        own = [(one, more) for one, more in rollouts.get(page, ()) if (one.base, one.submodule) in fleet.pins]
        refused = [node.node for _, more in own for node in more.nodes if node.refused is not None]
        pulls = waiting.get(fleet.name.lower(), 0)
        words, gravity = summarise([one for one, _ in own], waiting=pulls, refused=refused)
        found.append(ListedFleet(name=fleet.name, words=words, gravity=gravity))
    return tuple(sorted(found, key=lambda one: _GRAVITIES.index(one.gravity)))


def read_fleet(stores: FleetStores, fleet: VisibleFleet, *, now: float) -> ShownFleet:
    """The fleet as it stands, in three queries: of the pins that it has now. `now`: in seconds since the epoch."""
    locks, holds = stores.holds.find_everything(fleet.name, now=now)
    found = stores.history.find_rollouts(stores.statuses.page_of(fleet.name))
    return ShownFleet(
        fleet=fleet,
        rollouts=tuple(
            _view(fleet, status, details, locks, holds)
            for status, details in found
            if (status.base, status.submodule) in fleet.pins
        ),
        waiting=stores.waiting.find(fleet.name, now=int(now)),
    )


def _view(
    fleet: VisibleFleet,
    status: RolloutStatus,
    details: RolloutDetails,
    locks: tuple[Lock, ...],
    holds: tuple[Hold, ...],
) -> ShownRollout:
    def of(node: NodeStatus) -> ShownNode:
        known = details.of(NodeName(node.node))
        why = find_obstacles(status, node, known, locks, prefix=fleet.prefix)
        return ShownNode(status=node, details=known, obstacles=why)

    return ShownRollout(
        status=status,
        upstream=details.upstream,
        merged_by=details.merged_by,
        holds=describe_holds(status, holds, prefix=fleet.prefix),
        nodes=tuple(of(node) for node in status.nodes),
    )
