"""Store what a command decided about the bumps of a pin, and find where its orders go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.features.commands.decide.actions import HoldBumps, ResumeBumps
from bot.features.commands.facts.record import CommandRecord, OrderRoute
from bot.features.fleets.facts import Pinned
from bot.features.fleets.read import FleetAt
from bot.features.holds.facts import Hold, HoldKind

if TYPE_CHECKING:
    from bot.features.commands.run import CommandTools


def end_or_save_hold(tools: CommandTools, record: CommandRecord) -> None:
    """Store a hold on the bumps of the command's pin, or remove it."""
    decision, submodule = record.decision, record.submodule
    if submodule is None:
        return
    if isinstance(decision, HoldBumps):
        tools.bump.holds.save_hold(
            Hold(
                fleet=record.fleet,
                base=record.base,
                submodule=submodule,
                kind=HoldKind.HOLD,
                by=record.actor,
                reason=decision.text,
                pull=record.pull,
            )
        )
    elif isinstance(decision, ResumeBumps):
        tools.bump.holds.end_hold(record.fleet, record.base, submodule)


def save_pin_hold(tools: CommandTools, record: CommandRecord, pin: str, kind: HoldKind) -> None:
    """Store that one upstream commit was rolled back, or is wanted all the same."""
    if record.submodule is not None:
        hold = Hold(
            fleet=record.fleet,
            base=record.base,
            submodule=record.submodule,
            kind=kind,
            by=record.actor,
            pull=record.pull,
            pin=pin,
        )
        tools.bump.holds.save_hold(hold)


def resolve_route(at: FleetAt, pinned: Pinned) -> OrderRoute | None:
    """Where the orders of one pin go; None when the fleet file no longer names it."""
    submodule = at.submodule(pinned.submodule)
    if submodule is None:
        return None
    return OrderRoute(submodule=submodule, upstream=pinned.upstream, default_branch=pinned.default_branch)
