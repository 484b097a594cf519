"""Reads the nodes of a fleet for a command: the orders that each was given, where it is, and whose it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bot.domain.names import BranchName, NodeName, RepoName, SubmodulePath
from bot.features.commands.facts.command import NodeAt, Position
from bot.features.fleets.read import FleetAt
from bot.features.holds.facts import Lock
from bot.features.rollout.decide.deployed import find_deployed
from bot.features.rollout.facts import PastOrder, Stage
from bot.features.rollout.read.history import list_deployments, read_orders
from bot.fleetfile import Node
from bot.github.client import Client
from bot.github.endpoints.deployments import Deployment
from bot.github.endpoints.people import PullDetail
from bot.protocol.order import OrderKind

if TYPE_CHECKING:
    from bot.features.commands.run import CommandTools

GOOD_LOOKED_FOR = 10  # earlier good commits of a node that a rollback may name


def list_deployments_ahead(
    tools: CommandTools, client: Client, repo: RepoName, pull: PullDetail | None
) -> Mapping[NodeName, Sequence[Deployment]]:
    """The deployments of the nodes that the fleet file named when it was last read, to be had while git fetches."""
    known = tools.fleets.known.get((repo, BranchName(pull.base.ref))) if pull else None
    return {node.name: list_deployments(client, repo, node.name) for node in known.file.nodes} if known else {}


def read_node(
    tools: CommandTools,
    client: Client,
    at: FleetAt,
    node: Node,
    *,
    submodule: SubmodulePath,
    locks: Sequence[Lock],
    listed: Sequence[Deployment] | None = None,
) -> NodeAt:
    """A node with its orders, back to a few good ones. `listed` are its deployments, if they were read already."""
    past = read_orders(
        tools.rollout, client, at.repo, node, submodule=submodule, goods=GOOD_LOOKED_FOR, listed=listed
    )

    def is_on_base(order: PastOrder) -> bool:
        commit = at.mirror.resolve(order.commit)
        return commit is not None and at.mirror.is_ancestor(commit, at.head)

    good = [o for o in past if o.stage is Stage.SUCCEEDED and o.submodule == submodule and not o.kind.reads_only]
    deployed = find_deployed(past, submodule)
    now = deployed.whole
    runs = Position(commit=now.commit, pin=now.pin) if now else None
    earlier = dict.fromkeys(Position(commit=o.commit, pin=o.pin) for o in good if not o.stacks and is_on_base(o))
    newest = next((o for o in past if o.stage.is_open), None) or next(iter(good), None)
    changed = next((o for o in past if o.submodule == submodule and _may_have_changed(o)), None)
    is_settled = changed is None or changed.stage is Stage.SUCCEEDED
    tries = newest is not None and newest.kind is OrderKind.DEPLOY and not is_on_base(newest)
    return NodeAt(
        node=node,
        past=past,
        runs=runs,
        good=tuple(one for one in earlier if deployed.apart or not is_settled or one != runs),
        is_settled=is_settled,
        ahead=newest.pull if newest is not None and tries else None,
        apart={stack: Position(commit=o.commit, pin=o.pin) for stack, o in deployed.apart.items()},
        lock=lock_of(node, locks),
    )


def _may_have_changed(order: PastOrder) -> bool:
    """Whether the node carries it out, or will, or did so far that it may not be as it was before."""
    return not order.kind.reads_only and order.stage not in (Stage.MADE, Stage.WITHDRAWN)


def lock_of(node: Node, locks: Sequence[Lock]) -> Lock | None:
    """The lock of a node, if a pull request has it."""
    return next((lock for lock in locks if lock.node == node.name), None)
