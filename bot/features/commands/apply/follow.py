"""Give a command's orders, follow them until they have ended, and keep the reply up to date."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from bot.domain.errors import RetryLater
from bot.domain.names import BranchName, RepoName
from bot.features.commands.apply.holds import save_pin_hold
from bot.features.commands.apply.orders import end_command_locks, follow_orders
from bot.features.commands.apply.pin_back import open_pin_back
from bot.features.commands.apply.replies import put_reply
from bot.features.commands.decide.actions import GiveOrders
from bot.features.commands.facts.record import CommandRecord
from bot.features.commands.text.reply import OrderView, render_reply
from bot.features.fleets.read import FleetAt, NotAFleet, fetch_all, read_fleet
from bot.features.holds.facts import HoldKind
from bot.fleetfile.yaml_lines import YamlFileError
from bot.github.client import Client

if TYPE_CHECKING:
    from bot.features.commands.run import CommandTools

log = logging.getLogger(__name__)


def follow_open_commands(tools: CommandTools, client: Client, fleet: RepoName) -> bool:
    """Follow every open command of a fleet; whether locks ended with it.

    One that cannot be followed stops no other: with its base or fleet file gone it is closed and its reply says so;
    any other failure is raised when all the others were followed, so that the job is retried.
    """
    before = tools.bump.holds.find_locks(fleet, now=tools.fleets.now())
    failed: Exception | None = None
    records = tools.commands.find_open(fleet)
    for base in dict.fromkeys(record.base for record in records):
        gone: Exception | None = None
        try:
            at = read_base(tools, client, fleet, base)
        except (NotAFleet, YamlFileError) as problem:
            gone = problem
        for record in (one for one in records if one.base == base):
            try:
                if gone is None:
                    follow(tools, client, at, record)
                else:
                    close_impossible(tools, client, record, gone)
            except RetryLater:
                raise  # it holds for the whole installation
            except Exception as problem:  # noqa: BLE001 - raised below, when the others were followed
                log.warning("%s could not be followed: %s", record.source, problem)
                failed = failed or problem
    if failed is not None:
        raise failed
    return bool(records) and before != tools.bump.holds.find_locks(fleet, now=tools.fleets.now())


def read_base(tools: CommandTools, client: Client, fleet: RepoName, base: BranchName) -> FleetAt:
    """The fleet at the head of `base`, from fetched mirrors. Raises NotAFleet or YamlFileError."""
    pins = [pin for pin in tools.fleets.pins.pins_of(fleet) if pin.base == base]
    fetch_all(tools.fleets, client, [fleet, *(pin.upstream for pin in pins)])
    return read_fleet(tools.fleets, fleet, base)


def begin_orders(tools: CommandTools, client: Client, at: FleetAt, record: CommandRecord) -> None:
    """Give the orders for the first time: the plan is shown before, and a rollback opens its pull request."""
    decision = record.decision
    pins = tools.fleets.pins.pins_of(at.repo)
    pinned = next((pin for pin in pins if (pin.base, pin.submodule) == (at.base, record.submodule)), None)
    if isinstance(decision, GiveOrders) and decision.pin_back and pinned and not record.link:
        current = at.mirror.pin_at(at.head, pinned.submodule)
        if current:
            save_pin_hold(tools, record, current, HoldKind.ROLLED_BACK)
        link = open_pin_back(tools, client, at, pinned, record=record, pin=decision.pin_back)
        record = msgspec.structs.replace(record, link=link)
        tools.commands.update(record)
    if record.shown:
        waiting = tuple(OrderView(node=wanted.node.name, state="waiting") for wanted in record.orders)
        put_reply(tools, client, record.fleet, record.pull, body=render_reply(record, waiting))
    follow(tools, client, at, record)


def follow(tools: CommandTools, client: Client, at: FleetAt, record: CommandRecord) -> None:
    """Give what could not be given yet, update the reply, and close the command when all its orders have ended."""
    progress = follow_orders(tools, client, at, record)
    put_reply(tools, client, record.fleet, record.pull, body=render_reply(record, progress.views))
    if progress.ended:
        tools.commands.close(record.source)


def close_impossible(tools: CommandTools, client: Client, record: CommandRecord, problem: Exception) -> None:
    """Close a command whose orders cannot be followed any more, end its own locks, and say why in its reply."""
    log.warning("%s is closed: %s", record.source, problem)
    views = tuple(OrderView(node=o.node.name, state="gone", description=str(problem)) for o in record.orders)
    put_reply(tools, client, record.fleet, record.pull, body=render_reply(record, views))
    end_command_locks(tools, record, because="base_gone")
    tools.commands.close(record.source)
