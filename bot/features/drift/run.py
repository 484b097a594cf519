"""From bot/service/worker.py: say here what this module is for."""

from __future__ import annotations

from msgspec.structs import replace

from bot.features.drift import apply as drift
from bot.features.drift.jobs import CheckDrift
from bot.features.fleets import read as fleets_read
from bot.features.fleets.read import _read_fleet
from bot.features.world import World
from bot.github.client import Client
from bot.service.router import Look


def _look_at_drift(world: World, client: Client, look: CheckDrift) -> tuple[Look, ...]:
    """What is to be looked at again at its time."""
    known = [pin for pin in world.memory.pins_of(look.fleet) if pin.base == look.base]
    fleets_read.fetch_all(world, client, [look.fleet, *(pin.upstream for pin in known)])
    at = _read_fleet(world, client, look.fleet, look.base)
    if at is None or not at.file.nodes:
        return ()
    again_at = drift.look_after(world, client, at, known)
    return (replace(look, not_before=again_at),) if again_at is not None else ()
