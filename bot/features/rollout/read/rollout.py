"""Read what a merge approved, and how far each node is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from bot.domain.names import BranchName, CommitSha, PullNumber, SubmodulePath
from bot.features.fleets.facts import Pinned
from bot.features.fleets.read import FleetAt
from bot.features.holds.facts import Hold, HoldKind, Lock
from bot.features.rollout.facts import NodeFacts, RolloutFacts
from bot.features.rollout.jobs import SyncRollout
from bot.features.rollout.read.approval import find_approval, find_shown_plan
from bot.features.rollout.read.history import read_orders
from bot.fleetfile import waves_of
from bot.github.client import Client

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.features.rollout.run import RolloutTools
    from bot.github.endpoints.repository import Pull


YOUNG = 120  # seconds for which a commit may be on no list of GitHub's yet


def _hold(node: NodeFacts, lock: Lock | None) -> NodeFacts:
    """A node that another pull request has gets no order of a merge until it gives it back."""
    if lock is None:
        return node
    return msgspec.structs.replace(
        node, held=f"pull request {lock.pull} has it ({lock.owner})", held_until=lock.expires_at
    )


def _may_be_early(
    at: FleetAt, commit: CommitSha, merged: Pull | None, *, has_pin: bool, job: SyncRollout, now: float
) -> bool:
    """Whether GitHub may know more in a moment: the merge or its pin is not fetched yet, or it is on no list yet."""
    if job.merge_commit is not None and not _is_in(at, job.merge_commit):
        return True
    return (merged is None or not has_pin) and now - at.mirror.committed_at(commit) < YOUNG


def _is_in(at: FleetAt, commit: CommitSha) -> bool:
    return at.mirror.resolve(commit) is not None and at.mirror.is_ancestor(commit, at.head)


def _is_rolled_back(
    holds: Sequence[Hold], base: BranchName, submodule: SubmodulePath, pin: CommitSha, merged: Pull
) -> bool:
    """Whether a command in the pull request that was merged rolled this pin back, and nobody resumed it since."""
    key = (HoldKind.ROLLED_BACK, base, submodule, pin, merged.number)
    return any((hold.kind, hold.base, hold.submodule, hold.pin, hold.pull) == key for hold in holds)


def read_rollout_facts(
    tools: RolloutTools, client: Client, at: FleetAt, pinned: Pinned, job: SyncRollout
) -> RolloutFacts | None:
    """What is approved of this pin, and how far each node is that it is approved for; None when there is no pin."""
    submodule = at.submodule(pinned.submodule)
    commit = at.mirror.last_change(at.head, pinned.submodule)
    pin = at.mirror.pin_at(commit, pinned.submodule) if commit else None
    if submodule is None or commit is None or pin is None or not at.file.nodes:
        return None
    approval = find_approval(
        client, at.mirror, at.repo, base=at.base, head=at.head, pinned_by=commit, reported=job.merged
    )
    merged = approval.pull if approval else None
    has_pin = tools.fleets.mirrors.of(pinned.upstream).resolve(pin) is not None
    # Who brought a node in later approved that it runs what the branch pins: no plan of theirs says what that does.
    of_pin = approval.pull if approval and approval.nodes is None else None
    shown = find_shown_plan(tools.plans.store, at.repo, of_pin) if of_pin else None
    every_lock, holds = tools.holds.find_everything(at.repo, now=tools.fleets.now())
    locks = {lock.node: lock for lock in every_lock if merged is None or lock.pull != merged.number}
    nodes = tuple(
        node for node in at.file.nodes if approval and (approval.nodes is None or node.name in approval.nodes)
    )
    return RolloutFacts(
        fleet=at.repo,
        base=at.base,
        submodule=submodule,
        upstream=pinned.upstream,
        commit=commit,
        pin=pin,
        default_branch=pinned.default_branch,
        pull=PullNumber(merged.number) if merged else None,
        plan=shown,
        nodes=tuple(
            _hold(
                NodeFacts(
                    node=node,
                    past=read_orders(tools, client, at.repo, node, submodule=submodule.path, commit=commit),
                ),
                locks.get(node.name),
            )
            for node in nodes
        ),
        waves=waves_of(at.file.deploy, nodes),
        now=int(tools.fleets.now()),
        soak=at.file.deploy.soak,
        offline_after=at.file.deploy.offline_after,
        stop_on_drift=at.file.deploy.stop_on_drift,
        rolled_back=merged is not None and _is_rolled_back(holds, at.base, submodule.path, pin, merged),
        may_be_early=_may_be_early(at, commit, merged, has_pin=has_pin, job=job, now=tools.fleets.now()),
        tries=job.tries,
    )
