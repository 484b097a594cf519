"""Build a node's means from its settings, for the commands that run on it."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import click

from bot.agent.health import HEALTH_TIMEOUTS
from bot.agent.node import LocalNode, NoJobError, StatusSink
from bot.agent.state import NodeState
from bot.domain.names import DeploymentId
from bot.engine.docker import Docker
from bot.git.safe_git import GitAccess
from bot.protocol.order import Order
from bot.protocol.outcome import Outcome
from bot.settings.environment import docker_environment, stack_environment
from bot.settings.node import NodeSettings
from bot.text.terminal import printable


def make_node(settings: NodeSettings, state_folder: Path | None, repo: Path | None) -> LocalNode:
    """This node. Its children get the node's environment without the job's variables."""

    def log(line: str) -> None:
        click.echo(printable(line), err=True)

    environment = docker_environment() | stack_environment()
    return LocalNode(
        state=NodeState(state_folder or settings.state),
        docker=Docker(environment, secrets=settings.secrets, limit=settings.limit, log=log),
        access=GitAccess(settings.html_url, settings.git_token.reveal() if settings.git_token else None),
        sink=_sink(settings),
        now=time.time,
        log=log,
        root=repo.absolute() if repo else None,
        timeouts=HEALTH_TIMEOUTS._replace(watch=float(settings.watch), one_shot=float(settings.limit)),
    )


class _NoSink:
    """Outside of a job nothing is posted."""

    def post(self, deployment: DeploymentId, state: str, description: str) -> None:
        pass

    def report(self, order: Order, outcome: Outcome) -> None:  # noqa: ARG002 - the protocol's signature
        raise NoJobError("reports are posted by a job")

    def is_withdrawn(self, deployment: DeploymentId) -> bool:  # noqa: ARG002 - the protocol's signature
        return False


def _sink(settings: NodeSettings) -> StatusSink:
    if settings.token is None or not settings.repository:
        return _NoSink()
    from bot.agent.github_sink import make_sink  # noqa: PLC0415 - a node by hand does without its library

    return make_sink(settings.api_url, settings.token.reveal(), settings.repository, settings.log_url)


def write_summary(settings: NodeSettings, text: str, outcome: Outcome) -> None:
    """Append the outcome to the summary on the job's page."""
    if settings.summary is None:
        return
    fence = "`" * (max((len(run) for run in text.split() if set(run) == {"`"}), default=0) + 3)
    with contextlib.suppress(OSError), settings.summary.open("a", encoding="utf-8") as file:
        file.write(f"### Deploy: {outcome.end}\n\n{fence}text\n{text}\n{fence}\n")
