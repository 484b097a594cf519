"""Bring what a merged pull request approved to the nodes: read, decide, apply."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from bot.features.bump.read import PlanTools
from bot.features.fleets.apply import work_pin_by_pin
from bot.features.fleets.facts import Pinned
from bot.features.fleets.jobs import Outcome
from bot.features.fleets.read import fetch_fleet
from bot.features.fleets.run import FleetTools
from bot.features.holds.store import HoldStore
from bot.features.outbox.store import Outbox
from bot.features.rollout.apply.rollout import apply_rollout
from bot.features.rollout.apply.signing import OrderKeys
from bot.features.rollout.decide.rollout import RolloutReason, decide_rollout
from bot.features.rollout.jobs import SyncRollout
from bot.features.rollout.read.rollout import read_rollout_facts
from bot.features.rollout.store import RolloutStore
from bot.github.client import Client
from bot.observability.metrics import decision_counter

log = logging.getLogger(__name__)
_count_decision = decision_counter("rollout", RolloutReason)


@dataclass(frozen=True)
class RolloutTools:
    """What rollouts use, and everything else that gives orders to nodes."""

    fleets: FleetTools
    plans: PlanTools
    holds: HoldStore
    statuses: RolloutStore
    order_keys: OrderKeys
    outbox: Outbox


def sync_rollout(tools: RolloutTools, client: Client, job: SyncRollout) -> Outcome:
    """Give the orders that are due. Leads to the same job again when time alone will change something."""
    at, pins = fetch_fleet(tools.fleets, client, job.fleet, job.base)
    if at is None or not at.file.nodes:
        return ()
    follow_up: list[SyncRollout] = []

    def sync_pin(pinned: Pinned) -> None:
        facts = read_rollout_facts(tools, client, at, pinned, job)
        if facts is None:
            return
        decision = decide_rollout(facts)
        _count_decision(decision.reason)
        log.info("rollout of %s on %s of %s: %s", pinned.submodule, job.base, job.fleet, decision.reason)
        retry_at = apply_rollout(tools, client, at, facts, decision)
        again_at = min((one for one in (decision.again_at, retry_at) if one is not None), default=None)
        follow_up.extend(job.again(again_at, tries=decision.tries))

    alone = work_pin_by_pin(job, pins, sync_pin)
    return (*follow_up, *alone)
