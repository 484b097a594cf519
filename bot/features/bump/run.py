"""Keep one bump pull request: read, decide, apply."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from bot.features.bump.apply import apply_bump
from bot.features.bump.decide import BumpReason, decide_bump
from bot.features.bump.jobs import SyncBump
from bot.features.bump.read import read_bump_facts
from bot.features.bump.store import PlanStore
from bot.features.fleets.jobs import Outcome
from bot.features.fleets.read import fetch_fleet, look_again
from bot.features.fleets.run import FleetTools
from bot.features.holds.store import HoldStore
from bot.github.client import Client
from bot.observability.metrics import decision_counter
from bot.plan.model import Plan
from bot.planner.renderer import Renderer

log = logging.getLogger(__name__)
_count_decision = decision_counter("bump", BumpReason)


@dataclass(frozen=True)
class PlanTools:
    """What making, storing and linking a plan takes."""

    renderer: Renderer
    store: PlanStore
    public_url: str  # where people reach this service; "" when they do not

    def page_of(self, plan: Plan) -> str:
        """The address of the whole plan; "" when nobody reaches this service."""
        return f"{self.public_url}/plans/{plan.id}" if self.public_url else ""


@dataclass(frozen=True)
class BumpTools:
    """What a bump uses."""

    fleets: FleetTools
    plans: PlanTools
    holds: HoldStore


def sync_bump(tools: BumpTools, client: Client, job: SyncBump) -> Outcome:
    """Make the bump's branch and pull request what they should be now."""
    at, pins = fetch_fleet(tools.fleets, client, job.fleet, job.base)
    for pinned in (pin for pin in pins if at is not None and pin.submodule == job.submodule):
        if (again := look_again(tools.fleets, job, pinned.upstream)) is not None:
            return (again,)
        if at is not None and (facts := read_bump_facts(tools, client, at, pinned)) is not None:
            decision = decide_bump(facts)
            _count_decision(decision.reason)
            log.info("bump of %s on %s of %s: %s", job.submodule, job.base, job.fleet, decision.reason)
            apply_bump(tools, client, at, facts, decision)
    return ()
