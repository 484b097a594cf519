"""Keep one bump pull request: read, decide, apply."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from msgspec.structs import replace

from bot.domain.names import CommitSha
from bot.features.bump.apply import apply_bump
from bot.features.bump.decide import BumpReason, decide_bump
from bot.features.bump.jobs import SyncBump
from bot.features.bump.read import PlanTools, read_bump_facts
from bot.features.fleets.jobs import Outcome
from bot.features.fleets.read import fetch_fleet, look_again
from bot.features.fleets.run import FleetTools
from bot.features.holds.store import HoldStore
from bot.github.client import Client
from bot.observability.metrics import decision_counter

log = logging.getLogger(__name__)
_count_decision = decision_counter("bump", BumpReason)


@dataclass(frozen=True)
class BumpTools:
    """What a bump uses."""

    fleets: FleetTools
    plans: PlanTools
    holds: HoldStore
    done: dict[SyncBump, tuple[CommitSha | None, ...]] = field(default_factory=dict)
    """What each look saw last, in this process. Of a burst of pushes, each with its job, one look is enough."""


def sync_bump(tools: BumpTools, client: Client, job: SyncBump) -> Outcome:
    """Make the bump's branch and pull request what they should be now."""
    at, pins = fetch_fleet(tools.fleets, client, job.fleet, job.base)
    if at is None:
        return ()
    for pinned in (pin for pin in pins if pin.submodule == job.submodule):
        if (again := look_again(tools.fleets, job, pinned.upstream)) is not None:
            return (again,)
        tip = tools.fleets.mirrors.of(pinned.upstream).resolve(f"refs/heads/{pinned.tracked}")
        look, seen = replace(job, pushed=None, tries=0, not_before=0), (at.head, tip)
        if job.pushed is not None and tools.done.get(look) == seen:
            continue
        if (facts := read_bump_facts(tools, client, at, pinned, is_again=job.tries > 0)) is not None:
            decision = decide_bump(facts)
            _count_decision(decision.reason)
            log.info("bump of %s on %s of %s: %s", job.submodule, job.base, job.fleet, decision.reason)
            applied = apply_bump(tools, client, at, facts, decision)
            if not applied.labelled:  # GitHub does not find the new pull request yet
                again = replace(job, pushed=None).again(tools.fleets.now())
                return (again,) if again else ()
            tools.done[look] = seen
    return ()
