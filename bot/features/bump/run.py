"""From bot/service/worker.py: say here what this module is for."""

from __future__ import annotations

import logging

from bot.features.bump import apply as perform
from bot.features.bump import read as gather
from bot.features.bump.decide import BumpReason, Hold, Propose, Settle, decide_bump
from bot.features.bump.jobs import SyncBump
from bot.features.fleets import read as fleets_read
from bot.features.fleets.read import _read_fleet
from bot.features.metrics import decision_counter
from bot.features.world import World
from bot.github.client import Client

log = logging.getLogger(__name__)
_count_decision = decision_counter("bump", BumpReason)


def _look_at_bump(world: World, client: Client, look: SyncBump) -> None:
    known = [p for p in world.memory.pins_of(look.fleet) if (p.base, p.submodule) == (look.base, look.submodule)]
    fleets_read.fetch_all(world, client, [look.fleet, *(pin.upstream for pin in known)])
    at = _read_fleet(world, client, look.fleet, look.base)
    if at is None:
        return
    for pinned in known:
        facts = gather.read_bump_facts(world, client, at, pinned)
        if facts is None:
            continue
        decision = decide_bump(facts)
        _count_decision(decision.reason)
        log.info("bump of %s on %s of %s: %s", look.submodule, look.base, look.fleet, decision.reason)
        match decision:
            case Propose():
                perform.propose(world, client, at, facts, decision)
            case Settle():
                perform.settle(world, client, facts, decision)
            case Hold():
                perform.hold(world, client, facts, decision)
