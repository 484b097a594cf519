"""Run commands, follow their orders, and close out ended pull requests."""

from __future__ import annotations

from dataclasses import dataclass

from bot.features.audit.store import AuditTrail
from bot.features.bump.run import BumpTools
from bot.features.commands.apply.command import apply_command, decide_if_heard
from bot.features.commands.apply.ended import close_out_pull
from bot.features.commands.apply.orders import follow_open_commands
from bot.features.commands.decide.actions import Answer, Refuse
from bot.features.commands.decide.attention import Attention, decide_attention
from bot.features.commands.jobs import AcknowledgeCommand, CloseOutPull, RunCommand, SyncCommandOrders
from bot.features.commands.store import CommandStore, RecentCommandStore
from bot.features.fleets.jobs import NodesFreed, Outcome
from bot.features.fleets.run import FleetTools
from bot.features.rollout.run import RolloutTools
from bot.github.client import Client
from bot.github.endpoints import people


@dataclass(frozen=True)
class CommandTools:
    """What commands use."""

    fleets: FleetTools
    bump: BumpTools
    rollout: RolloutTools
    commands: CommandStore
    audit: AuditTrail
    recent: RecentCommandStore


def acknowledge_command(tools: CommandTools, client: Client, job: AcknowledgeCommand) -> Outcome:
    """React to the comment, so that its author sees that it was read; not to one that is ignored."""
    if decide_attention(tools.recent.peek(job.fleet, job.actor, now=tools.fleets.now())) is Attention.HEARD:
        people.react(client, job.fleet, job.comment, "eyes")
    return ()


def run_command(tools: CommandTools, client: Client, job: RunCommand) -> Outcome:
    """Decide a command, unless that was done before, and carry the decision out."""
    decided = decide_if_heard(tools, client, job)
    if decided is None:
        return ()
    found = apply_command(tools, client, job, decided)
    frees_nothing = isinstance(decided.record.decision, Refuse | Answer)  # and is to cost no more
    return found if frees_nothing else (*found, NodesFreed.by(job))


def sync_command_orders(tools: CommandTools, client: Client, job: SyncCommandOrders) -> Outcome:
    """Give orders that had to wait, and update the replies of all commands whose orders have not ended."""
    return (NodesFreed.by(job),) if follow_open_commands(tools, client, job.fleet) else ()


def run_close_out(tools: CommandTools, client: Client, job: CloseOutPull) -> Outcome:
    """End the locks of an ended pull request, and return the nodes that were ahead for a closed one."""
    return (NodesFreed.by(job),) if close_out_pull(tools, client, job) else job.repeat(tools.fleets.now())
