"""Make the plan of one node's order: each stack from what that node runs of it (docs/decisions/)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from bot.domain.names import CommitSha, StackName
from bot.features.fleets.read import FleetAt
from bot.features.rollout.apply.approval import PinUnknown
from bot.features.rollout.decide.deployed import find_deployed
from bot.features.rollout.facts import PastOrder
from bot.fleetfile import Fleet, Node
from bot.plan.model import Plan
from bot.plan.order import OrderRequest
from bot.planner.plans import Revision, find_revision, plan_between

if TYPE_CHECKING:
    from bot.features.rollout.run import RolloutTools


class OrderPlan(NamedTuple):
    """`since` is the fleet's commit at which the plan starts, for the stack that is furthest behind."""

    plan: Plan
    since: CommitSha | None


def read_order_plan(tools: RolloutTools, at: FleetAt, wanted: OrderRequest, past: tuple[PastOrder, ...]) -> OrderPlan:
    """What the order will do on its node, each stack from what deployed it last to the wanted commit.

    A node that the bot never deployed is taken to run what was pinned before the first commit that it was to get:
    that is the plan which the person who merged has read, and a node that was kept by hand is not torn down and made
    again. What it was to get and did not stays in the plan of the next order. Raises PinUnknown where the stacks'
    repository does not have what is pinned.
    """
    upstream = tools.fleets.mirrors.of(wanted.upstream)
    if upstream.resolve(wanted.pin) is None:
        raise PinUnknown(wanted)
    path = wanted.submodule.path
    deployed = find_deployed(past, path)
    since = at.mirror.resolve(deployed.whole.commit) if deployed.whole else find_first_start(tools, at, wanted, past)

    def revision(commit: CommitSha | None) -> Revision | None:
        return find_revision(at.mirror, upstream, commit, path) if commit else None

    old = revision(since)
    found: dict[StackName, Revision | None] = {name: revision(order.commit) for name, order in deployed.apart.items()}
    plan = plan_between(
        old,
        Revision(wanted.commit, wanted.pin),
        fleet=Fleet(nodes=(_narrowed(wanted),), submodules=(wanted.submodule,)),
        submodule=wanted.submodule,
        mirror=at.mirror,
        upstream=upstream,
        renderer=tools.plans.renderer,
        repo=wanted.fleet,
        upstream_name=wanted.upstream,
        apart={name: one for name, one in found.items() if one != old},
    )
    return OrderPlan(plan, since)


def find_first_start(
    tools: RolloutTools, at: FleetAt, wanted: OrderRequest, past: tuple[PastOrder, ...]
) -> CommitSha | None:
    """What a node is taken to run that no order for all of its stacks ever reached, as a commit of the fleet.

    It is kept from the first time on that the node was to get something: what follows on it would else be taken for
    what it runs.
    """
    first = next((o for o in reversed(past) if o.submodule == wanted.submodule.path and not o.kind.reads_only), None)
    before = _before(at, first.commit if first else wanted.commit) or _before(at, wanted.commit)
    if before is None:
        return None
    kept = tools.statuses.keep_start(wanted.fleet, wanted.node.name, at.base, wanted.submodule.path, before)
    return at.mirror.resolve(kept) or before


def _before(at: FleetAt, commit: CommitSha) -> CommitSha | None:
    """The commit of the base that `commit` follows on."""
    found = at.mirror.resolve(commit)
    if found is None:
        return None
    on_base = at.mirror.is_ancestor(found, at.head)
    return at.mirror.resolve(f"{found}^") if on_base else at.mirror.merge_base(at.head, found)


def _narrowed(wanted: OrderRequest) -> Node:
    """The node with only the stacks that the order is for."""
    return msgspec.structs.replace(wanted.node, stacks=wanted.stacks) if wanted.stacks else wanted.node
