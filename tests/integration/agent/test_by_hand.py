"""A deploy without GitHub: `aios-bot node deploy --repo PATH --commit SHA`, checked and recorded like any other."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from bot.agent.state import Begun, Finished
from bot.domain.errors import ExitCode
from bot.protocol.action import Action
from bot.protocol.outcome import OrderEnd
from tests.nodeworld import NODE, NodeWorld, server_files


def by_hand(world: NodeWorld, commit: str, *more: str) -> tuple[int, str]:
    """Exit code and everything printed by the command, as a person on the node types it."""
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from bot.cli.main import main; main()", "node", "deploy"),
            *("--repo", str(world.root), "--commit", commit, *more),
        ],
        env=world.engine.environment
        | {
            "HOME": str(world.folder),
            "AIOS_BOT_NODE_STATE": str(world.state.folder),
            "AIOS_BOT_NODE_WATCH": "1",
            "PATH": os.environ["PATH"],
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=240,
    )
    return done.returncode, done.stdout


def test_a_commit_is_deployed_by_hand_and_back_while_github_is_away(node_world: NodeWorld) -> None:
    world = node_world
    old = world.checkout_position()
    assert old is not None
    whoami = world.containers()["ingress/whoami"]
    new = world.push(server_files(world.prefix, traefik="traefik:2"))
    code, said = by_hand(world, new.commit, "--dry-run")
    assert code == ExitCode.OK, said
    assert "traefik" in said
    assert world.checkout_position() == old
    code, said = by_hand(world, new.commit)
    assert code == ExitCode.OK, said
    assert "ingress/traefik: recreate" in said
    assert world.version("ingress/traefik") == "traefik:2"
    assert world.containers()["ingress/whoami"] == whoami
    begun, finished = world.state.read_record()[-3], world.state.read_record()[-1]
    assert isinstance(begun, Begun)
    assert isinstance(finished, Finished)
    assert (begun.order.number, begun.order.node, finished.end) == (-1, NODE, OrderEnd.SUCCESS)

    shutil.move(world.folder / "remote", world.folder / "away")  # GitHub is down
    code, said = by_hand(world, old.commit)
    assert code == ExitCode.OK, said
    assert "continuing with what was fetched before" in said
    assert world.version("ingress/traefik") == "traefik:1"
    assert world.containers()["ingress/whoami"] == whoami
    shutil.move(world.folder / "away", world.folder / "remote")

    # The bot's own numbers go on where they were.
    assert world.deploy(world.order(new, {"ingress": {}})).end is OrderEnd.SUCCESS


def test_what_was_removed_by_hand_is_restored_by_the_commit_that_runs(node_world: NodeWorld) -> None:
    world = node_world
    before = world.containers()
    world.engine.docker("rm", "-f", before["ingress/whoami"][0])
    at = world.checkout_position()
    assert at is not None
    assert at.commit is not None
    code, said = by_hand(world, at.commit)
    assert code == ExitCode.OK, said
    after = world.containers()
    assert set(after) == set(before)
    assert after["ingress/traefik"] == before["ingress/traefik"]
    assert after["ingress/whoami"] != before["ingress/whoami"]


def test_what_may_not_be_deployed_by_order_may_not_by_hand(node_world: NodeWorld) -> None:
    world = node_world
    containers = world.containers()
    new = world.push(server_files(world.prefix, traefik="traefik:2"))
    (world.root / "server/stacks/ingress/dynamic/headers.yml").write_text("edited\n")
    code, said = by_hand(world, new.commit)
    assert (code, "refused (local_edits)" in said) == (ExitCode.REFUSED, True), said
    code, said = by_hand(world, "d" * 40)
    assert (code, "does not have" in said) == (ExitCode.FAILED, True), said
    code, said = by_hand(world, new.commit[:12])
    assert (code, "not a full commit id" in said) == (ExitCode.FAILED, True), said
    assert world.containers() == containers


def test_a_stack_that_the_last_order_was_not_for_is_deployed_from_what_it_runs(node_world: NodeWorld) -> None:
    """The checkout stands at the new commit, and one of its stacks does not run it."""
    world = node_world
    new = world.push(server_files(world.prefix, traefik="traefik:2"))
    assert world.deploy(world.order(new, {"secrets": {"vault": Action.NONE}})).end is OrderEnd.SUCCESS
    assert (world.checkout_position(), world.version("ingress/traefik")) == (new, "traefik:1")
    code, said = by_hand(world, new.commit)
    assert code == ExitCode.OK, said
    assert world.version("ingress/traefik") == "traefik:2"
