"""A node whose fleet's repository got another name: it refuses, is renamed by a person, and goes on as before."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from bot.agent.state import NodeState
from bot.domain.errors import BotError, ExitCode
from bot.domain.names import RepoName
from bot.onboarding.join.rename import rename_fleet
from bot.protocol.action import Action
from bot.protocol.order import RefusalReason
from bot.protocol.outcome import OrderEnd
from tests.gitworld import git
from tests.nodeworld import FLEET, NODE, NodeWorld, server_files

NEW = RepoName("tecnocrat/aios-windows")
CHANGE = {"ingress": {"traefik": Action.RECREATE, "whoami": Action.NONE}}


def rename(world: NodeWorld, name: str, *more: str) -> tuple[int, str]:
    """Exit code and everything printed by the command, as a person on the node types it."""
    done = subprocess.run(
        [sys.executable, "-c", "from bot.cli.main import main; main()", "node", "rename", name, *more],
        env={"HOME": str(world.folder), "AIOS_BOT_NODE_STATE": str(world.state.folder), "PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_a_fleet_gets_another_name(node_world: NodeWorld) -> None:
    world = node_world
    taken = world.order(world.push(server_files(world.prefix, traefik="traefik:2")), CHANGE)
    assert world.deploy(taken).end is OrderEnd.SUCCESS
    remotes = world.folder / "remote"
    shutil.move(remotes / f"{FLEET}.git", remotes / f"{NEW}.git")
    git(world.fleet, "remote", "set-url", "origin", str(remotes / f"{NEW}.git"))
    at = world.push(server_files(world.prefix, traefik="traefik:1"))

    refused = world.deploy(world.order(at, CHANGE, fleet=NEW))
    assert refused.end is OrderEnd.REFUSED
    assert refused.text.endswith("if that got another name, run `aios-bot node rename` on it")

    status, printed = rename(world, NEW)
    assert status == ExitCode.OK, printed
    assert printed.splitlines() == [
        f"this is a node of {NEW} now (before: {FLEET})",
        f"{world.root} is fetched from {NEW} now",
    ]
    assert rename(world, NEW)[0] == ExitCode.OK, "again"

    refused = world.deploy(world.order(at, CHANGE, fleet=NEW, number=taken.number))
    assert refused.refusal is RefusalReason.ALREADY_USED, "what it took before stays taken"
    refused = world.deploy(world.order(at, CHANGE))
    assert refused.refusal is RefusalReason.OTHER_FLEET, "the name of before may be another fleet's by now"
    assert world.deploy(world.order(at, CHANGE, fleet=NEW)).end is OrderEnd.SUCCESS
    assert world.version("ingress/traefik") == "traefik:1"


def test_a_checkout_of_another_repository_is_left_alone(node_world: NodeWorld) -> None:
    world = node_world
    git(world.root, "remote", "set-url", "origin", "https://github.example/else/where.git")
    before = world.state.read_identity()
    with pytest.raises(BotError, match=r"is neither .* nor .*--repo"):
        rename_fleet(world.node(), NEW)
    assert world.state.read_identity() == before


def test_a_node_without_a_checkout_is_renamed(node_world: NodeWorld) -> None:
    world = node_world
    shutil.rmtree(world.root)
    assert rename_fleet(world.node(), NEW).checkout is None
    identity = NodeState(world.state.folder).read_identity()
    assert (identity.fleet, identity.node, identity.former) == (NEW, NODE, (FLEET,))
    rename_fleet(world.node(), FLEET)
    assert NodeState(world.state.folder).read_identity().former == (NEW,), "and back"
