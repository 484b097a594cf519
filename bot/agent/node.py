"""A node's means: what its orders work with, and where their progress is reported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from bot.agent.health import HEALTH_TIMEOUTS, HealthTimeouts
from bot.agent.space import MINIMUM_SPACE, MinimumSpace
from bot.agent.state import NodeState
from bot.domain.errors import BotError
from bot.domain.names import DeploymentId
from bot.engine.docker import Docker
from bot.engine.versions import EngineVersions, read_versions
from bot.git.safe_git import GitAccess
from bot.protocol.order import Order, Refusal, RefusalReason
from bot.protocol.outcome import DiskSpace, OrderEnd, Outcome, render_description

_LONGEST_VERSION = 100  # characters


class NoJobError(BotError):
    """Nothing can be posted here: outside of a job nobody has a token for it."""


class StatusSink(Protocol):
    """Where a deployment's statuses go."""

    def post(self, deployment: DeploymentId, state: str, description: str) -> None:
        """Post a status. `state` is one of GitHub's; `description` has at most 140 characters."""

    def report(self, order: Order, outcome: Outcome) -> None:
        """Post how the order ended, service by service (bot.protocol.report); before the final status."""

    def is_withdrawn(self, deployment: DeploymentId) -> bool:
        """Whether the bot withdrew the deployment before this node came to its order."""


class LocalNode(NamedTuple):
    """This node, as an order finds it."""

    state: NodeState
    docker: Docker
    access: GitAccess
    sink: StatusSink
    now: Callable[[], float]  # seconds since the epoch
    log: Callable[[str], None]  # one line, for the terminal or the job's log
    root: Path | None = None  # overrides the order's
    timeouts: HealthTimeouts = HEALTH_TIMEOUTS
    minimum_space: MinimumSpace = MINIMUM_SPACE


_UNKNOWN = EngineVersions()


def post_status(node: LocalNode, order: Order, state: str, description: str) -> bool:
    """Set the status of the order's deployment. An outage of GitHub is logged, and leaves no node half done.

    Returns whether GitHub knows it now.
    """
    if order.is_by_hand:
        return True
    try:
        node.sink.post(order.number, state, description)
    except BotError as problem:
        node.log(f"the deployment's status `{state}` could not be posted: {problem}")
        return False
    return True


def report_outcome(
    node: LocalNode,
    order: Order,
    outcome: Outcome,
    *,
    versions: EngineVersions = _UNKNOWN,
    space: tuple[DiskSpace, ...] = (),
    with_status: bool = True,
) -> bool:
    """Post how the order ended, service by service, then its final status. A failure to do so is only logged.

    `versions` are those that the order found; what it did not look for is read now. The plan needs them. `space`
    is what is free on its disks. Returns whether GitHub knows it now.
    """
    if order.is_by_hand:
        return True
    found = versions if all(versions) else read_versions(node.docker)
    outcome = replace(
        outcome,
        engine=found.engine[:_LONGEST_VERSION],
        compose=found.compose[:_LONGEST_VERSION],
        agent=_agent_version(),
        space=space,
    )
    reported = True
    try:
        node.sink.report(order, outcome)
    except NoJobError:
        return False
    except BotError as problem:
        node.log(f"the report could not be posted (the job needs `checks: write`): {problem}")
        reported = False
    state = "success" if outcome.end is OrderEnd.SUCCESS else "failure"
    return (not with_status or post_status(node, order, state, render_description(outcome))) and reported


def _agent_version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - only a report needs it

    try:
        return version("aios-bot")
    except PackageNotFoundError:  # run from its sources: a report does without
        return ""


def find_withdrawal(node: LocalNode, order: Order) -> Refusal | None:
    """Why the order no longer stands, if so. One of which that cannot be read is not carried out."""
    try:
        withdrawn = node.sink.is_withdrawn(order.number)
    except BotError as problem:
        text = f"GitHub does not say whether the bot withdrew this order ({problem}): ask for it again"
        return Refusal(reason=RefusalReason.WITHDRAWN, text=text, order=order)
    text = "the bot withdrew this order before the node came to it; a newer one follows"
    return Refusal(reason=RefusalReason.WITHDRAWN, text=text) if withdrawn else None
