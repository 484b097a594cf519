"""What can be done about a command, as values, each with its reason. Pure."""

from __future__ import annotations

from bot.domain.names import CommitSha, NodeName, PlanId, StackName
from bot.domain.values import StoredValue
from bot.features.commands.decide.reasons import CommandReason
from bot.features.commands.facts.command import Position
from bot.protocol.order import OrderKind


class Refuse(StoredValue, frozen=True, tag="refuse"):
    """Nothing is done. `about` are the names it is about; they may be hostile."""

    reason: CommandReason
    about: tuple[str, ...] = ()


class Answer(StoredValue, frozen=True, tag="answer"):
    """Only say something: the help, or the status."""

    reason: CommandReason


class MakePlan(StoredValue, frozen=True, tag="plan"):
    """Make and post the plan again: on request, or because the posted one no longer holds.

    The reply shows the part of `nodes`; empty: of all.
    """

    reason: CommandReason
    nodes: tuple[NodeName, ...] = ()


class Target(StoredValue, frozen=True):
    """A node and where it is to be."""

    node: NodeName
    to: Position


class GiveOrders(StoredValue, frozen=True, tag="orders", rename={"override_reason": "glass"}):
    """Give these nodes an order. `stacks` empty: all of them."""

    reason: CommandReason
    kind: OrderKind
    targets: tuple[Target, ...]
    stacks: tuple[StackName, ...] = ()
    plan: PlanId | None = None  # that a person approved by this
    of_head: bool = False  # the commit is the open pull request's head
    locks: bool = False
    override_reason: str = ""  # why rules were passed over: hostile
    pin_back: CommitSha | None = None  # open a pull request that moves the pin back to it


class TakeLocks(StoredValue, frozen=True, tag="lock"):
    """Make these nodes the pull request's."""

    reason: CommandReason
    nodes: tuple[NodeName, ...]
    text: str  # hostile


class GiveLocksBack(StoredValue, frozen=True, tag="unlock", rename={"override_reason": "glass"}):
    """End the locks of these nodes."""

    reason: CommandReason
    nodes: tuple[NodeName, ...]
    override_reason: str = ""


class HoldBumps(StoredValue, frozen=True, tag="hold"):
    """Stop moving the pin."""

    reason: CommandReason
    text: str  # hostile


class ResumeBumps(StoredValue, frozen=True, tag="resume"):
    """Go on moving the pin."""

    reason: CommandReason


Decision = Refuse | Answer | MakePlan | GiveOrders | TakeLocks | GiveLocksBack | HoldBumps | ResumeBumps
