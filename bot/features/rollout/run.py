"""From bot/service/worker.py: say here what this module is for."""

from __future__ import annotations

import logging

from msgspec.structs import replace

from bot.features.fleets import read as fleets_read
from bot.features.fleets.read import _read_fleet
from bot.features.metrics import decision_counter
from bot.features.rollout.apply import rollout as rollouts
from bot.features.rollout.decide.rollout import RolloutReason, decide_rollout
from bot.features.rollout.jobs import SyncRollout
from bot.features.rollout.read import rollout as rollout_read
from bot.features.world import World
from bot.github.client import Client
from bot.service.router import Look

log = logging.getLogger(__name__)
_count_decision = decision_counter("rollout", RolloutReason)


def _look_at_rollout(world: World, client: Client, look: SyncRollout) -> tuple[Look, ...]:
    """What is to be looked at again when time alone has changed something."""
    known = [pin for pin in world.memory.pins_of(look.fleet) if pin.base == look.base]
    fleets_read.fetch_all(world, client, [look.fleet, *(pin.upstream for pin in known)])
    at = _read_fleet(world, client, look.fleet, look.base)
    if at is None or not at.file.nodes:
        return ()
    later: list[Look] = []
    for pinned in known:
        facts = rollout_read.read_rollout_facts(world, client, at, pinned)
        if facts is None:
            continue
        decision = decide_rollout(facts)
        _count_decision(decision.reason)
        log.info("rollout of %s on %s of %s: %s", pinned.submodule, look.base, look.fleet, decision.reason)
        rollouts.roll_out(world, client, at, facts, decision)
        if decision.again_at is not None:
            later.append(replace(look, not_before=decision.again_at))
    return tuple(later)
