"""Close out an ended pull request: its locks end, its approval is recorded, nodes that were ahead of it return.

Safe to run again after a crash at any line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.names import BranchName, PullNumber
from bot.features.audit.facts import Audited, AuditRecord
from bot.features.audit.store import approval_key
from bot.features.bump.text import parse_marker
from bot.features.commands.apply.holds import resolve_route
from bot.features.commands.apply.orders import end_locks, follow, read_base
from bot.features.commands.decide.actions import GiveOrders, Target
from bot.features.commands.decide.reasons import CommandReason
from bot.features.commands.facts.command import PullFacts
from bot.features.commands.facts.record import audit_command, compose_restore
from bot.features.commands.jobs import CloseOutPull
from bot.features.commands.read.command import base_position, read_pull_facts
from bot.features.commands.read.nodes import read_node
from bot.features.fleets.facts import Pinned
from bot.features.fleets.read import FleetAt, NotAFleet
from bot.github.client import Client
from bot.github.endpoints import people
from bot.github.endpoints.people import PullDetail
from bot.protocol.order import OrderKind
from bot.text.times import iso_time

if TYPE_CHECKING:
    from bot.features.commands.run import CommandTools


def close_out_pull(tools: CommandTools, client: Client, job: CloseOutPull) -> bool:
    """End the locks, and after a close without merge return the nodes that were ahead; False while it is open."""
    pull = people.read_pull_detail(client, job.fleet, job.number)
    if pull.state == "open":
        return False
    locks = tools.bump.holds.find_locks(job.fleet, now=tools.fleets.now())
    own = [lock for lock in locks if lock.pull == job.number]
    end_locks(tools, own, because="pull_request_ended", key=f"end:{job.number}")
    base = BranchName(pull.base.ref)
    try:
        at = read_base(tools, client, job.fleet, base)
    except NotAFleet:
        return True
    pins = [pin for pin in tools.fleets.pins.pins_of(at.repo) if pin.base == base]
    if pull.merged_at is not None:
        _record_approval(tools, at, pull, read_pull_facts(at, pull, pins))
        return True
    for pinned in pins:
        _restore_nodes(tools, client, at, pinned, job)
    return True


def _record_approval(tools: CommandTools, at: FleetAt, pull: PullDetail, facts: PullFacts) -> None:
    if not facts.pins:
        return
    marker = parse_marker(pull.body or "")
    record = AuditRecord(
        what=Audited.APPROVED,
        fleet=at.repo,
        at=pull.merged_at or iso_time(tools.fleets.now()),
        actor=pull.merged_by.login if pull.merged_by else "",
        pull=facts.number,
        commit=facts.merge or "",
        pin=facts.pin or "",
        plan=marker.id if marker else "",
    )
    tools.audit.append(approval_key(at.repo, PullNumber(pull.number)), record)


def _restore_nodes(tools: CommandTools, client: Client, at: FleetAt, pinned: Pinned, job: CloseOutPull) -> None:
    """Return the nodes that are ahead for a closed pull request to their base branch."""
    nodes = tuple(read_node(tools, client, at, node, submodule=pinned.submodule, locks=()) for node in at.file.nodes)
    ahead = tuple(node for node in nodes if node.ahead == job.number)
    to, route = base_position(at, pinned.submodule), resolve_route(at, pinned)
    if not ahead or to is None or route is None:
        return
    newest = max(order.number for node in ahead for order in node.past[:1])
    decision = GiveOrders(
        reason=CommandReason.RESTORED,
        kind=OrderKind.RESTORE,
        targets=tuple(Target(node=node.node.name, to=to) for node in ahead),
    )
    source = f"closed:{job.number}:{newest}"  # after a reopening, another deploy has another number
    record = tools.commands.find(source)
    if record is None:
        record = compose_restore(
            decision,
            nodes,
            source=source,
            fleet=at.repo,
            installation=job.installation,
            pull=job.number,
            base=at.base,
            at=int(tools.fleets.now()),
            route=route,
            prefix=at.file.commands.prefix,
        )
        tools.commands.save(record, (audit_command(record),))
    follow(tools, client, at, record)
