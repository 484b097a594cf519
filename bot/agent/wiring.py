"""What a node's command works with, wired from its settings."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import click

from bot.agent.docker import Docker
from bot.agent.node import Node, StatusSink
from bot.agent.safe_git import Access
from bot.agent.state import NodeState
from bot.domain.names import DeploymentId
from bot.protocol.order import Order
from bot.protocol.outcome import Outcome
from bot.settings.read import NodeSettings, docker_environment, stack_environment


def make_node(settings: NodeSettings, state_folder: Path | None, repo: Path | None) -> Node:
    """This node; what its children may see is the node's environment without the job's."""

    def tell(line: str) -> None:
        click.echo(line, err=True)

    environment = docker_environment() | stack_environment()
    return Node(
        state=NodeState(state_folder or settings.state),
        docker=Docker(environment, secrets=settings.secrets, tell=tell),
        access=Access(settings.html_url, settings.git_token.reveal() if settings.git_token else None),
        sink=_sink(settings),
        now=time.time,
        tell=tell,
        root=repo.absolute() if repo else None,
    )


class _NoSink:
    """Outside of a job there is nobody to tell."""

    def post(self, deployment: DeploymentId, state: str, description: str) -> None:
        pass

    def report(self, order: Order, outcome: Outcome) -> None:
        pass

    def is_withdrawn(self, deployment: DeploymentId) -> bool:  # noqa: ARG002 - nobody who could tell
        return False


def _sink(settings: NodeSettings) -> StatusSink:
    if settings.token is None or not settings.repository:
        return _NoSink()
    from bot.agent.github_sink import make_sink  # noqa: PLC0415 - a node by hand does without its library

    return make_sink(settings.api_url, settings.token.reveal(), settings.repository, settings.log_url)


def write_summary(settings: NodeSettings, text: str, outcome: Outcome) -> None:
    """Put the outcome on the job's own page."""
    if settings.summary is None:
        return
    fence = "`" * (max((len(run) for run in text.split() if set(run) == {"`"}), default=0) + 3)
    with contextlib.suppress(OSError), settings.summary.open("a", encoding="utf-8") as file:
        file.write(f"### Deploy: {outcome.end}\n\n{fence}text\n{text}\n{fence}\n")
