"""The node as its orders see it: what they work with, and whom they tell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from bot.agent.health import PATIENCE, Patience
from bot.agent.safe_git import Access
from bot.agent.space import LEAST, Least
from bot.agent.state import NodeState
from bot.domain.errors import BotError
from bot.domain.names import DeploymentId
from bot.engine.docker import Docker
from bot.protocol.order import Order
from bot.protocol.outcome import Outcome


class StatusSink(Protocol):
    """Where a deployment's statuses go."""

    def post(self, deployment: DeploymentId, state: str, description: str) -> None:
        """`state` is one of GitHub's; `description` has at most 140 characters."""

    def report(self, order: Order, outcome: Outcome) -> None:
        """Tell how the order ended, service by service (bot.protocol.report); before the final status."""

    def is_withdrawn(self, deployment: DeploymentId) -> bool:
        """Whether the bot ended the deployment before this node came to its order."""


class Node(NamedTuple):
    """What a deploy works with."""

    state: NodeState
    docker: Docker
    access: Access
    sink: StatusSink
    now: Callable[[], float]  # seconds since the epoch
    tell: Callable[[str], None]  # a line for the person or the job's log
    root: Path | None = None  # overrides the order's
    patience: Patience = PATIENCE
    least: Least = LEAST  # free space


def post(node: Node, order: Order, state: str, description: str) -> None:
    """Set the status of the order's deployment. GitHub being away is no reason to leave a node half done."""
    if order.is_by_hand:
        return
    try:
        node.sink.post(order.number, state, description)
    except BotError as problem:
        node.tell(f"the deployment's status `{state}` could not be posted: {problem}")


def report(node: Node, order: Order, outcome: Outcome) -> None:
    """Tell the bot how the order ended, service by service; what cannot be told is no reason to fail."""
    if order.is_by_hand:
        return
    try:
        node.sink.report(order, outcome)
    except BotError as problem:
        node.tell(f"the report could not be posted (the job needs `checks: write`): {problem}")


def is_withdrawn(node: Node, order: Order) -> bool:
    """Whether the bot wants the order no longer; when nobody can say, the order is good."""
    try:
        return node.sink.is_withdrawn(order.number)
    except BotError as problem:
        node.tell(f"whether the order still stands could not be read: {problem}")
        return False
