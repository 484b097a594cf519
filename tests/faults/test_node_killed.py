"""kill -9 of a node's process, at one moment after the other: the next order always puts the node right."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from bot.node.checkout import Position
from bot.node.order import Order, sign_order
from bot.node.state import End, find_unfinished
from bot.plan.model import Action
from tests.engine import engine
from tests.nodeworld import NodeWorld, empty_node, node_images, node_world, server_files

__all__ = ["empty_node", "engine", "node_images", "node_world"]

MOMENTS = 25
UPGRADE = {"ingress": {"traefik": Action.RECREATE, "whoami": Action.NONE}, "secrets": {"vault": Action.NONE}}


def start(world: NodeWorld, order: Order) -> subprocess.Popen[bytes]:
    """The real command in a session of its own, as a runner's job."""
    remote = (world.folder / "remote").as_uri()
    (world.folder / ".gitconfig").write_text(f'[url "{remote}/"]\n\tinsteadOf = https://github.com/\n')
    return subprocess.Popen(
        [sys.executable, "-c", "from bot.cli import main; main()", "node", "deploy"],
        env=world.engine.environment
        | {
            "HOME": str(world.folder),
            "AIOS_BOT_NODE_STATE": str(world.state.folder),
            "AIOS_BOT_ORDER": sign_order(order, world.key),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill_after(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Kill the whole session after `seconds`; whether it was still at work then."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def test_killed_at_many_moments(node_world: NodeWorld) -> None:
    world = node_world
    vault = world.containers()["secrets/vault"]
    world.engine.docker("exec", vault[0], "sh", "-c", "echo kept > /data/file")
    kept = {"acme.local": b"\x00\xff", "server/stacks/secrets/.env": b"A=1\r\n"}
    for name, content in kept.items():
        (world.root / name).write_bytes(content)
    whole = _time_of_a_whole_deploy(world)
    table = []
    for moment in range(MOMENTS):
        tag = "2" if moment % 2 else "1"
        at = world.push(server_files(world.prefix, traefik=f"traefik:{tag}", headers=f"moment {moment}"))
        order = world.order(at, UPGRADE)
        killed = kill_after(start(world, order), whole * (moment + 0.5) / MOMENTS)
        unfinished = find_unfinished(world.state.read_record())
        held = _held(world)
        outcome = world.deploy(world.order(at, UPGRADE))
        table.append(f"{moment:3} killed={killed!s:5} begun={unfinished is not None!s:5} {held} -> {outcome.end}")
        assert outcome.end is End.SUCCESS, (outcome, table)
        assert outcome.interrupted == (order.number if unfinished else None)
        assert world.checkout_position() == at
        assert world.version("ingress/traefik") == f"traefik:{tag}"
        assert world.containers()["secrets/vault"] == vault
        assert {name: (world.root / name).read_bytes() for name in kept} == kept
        assert world.engine.docker("exec", vault[0], "cat", "/data/file") == "kept"
    print("\n".join(table))
    assert sum("begun=True" in line for line in table) >= MOMENTS // 2, table


def _time_of_a_whole_deploy(world: NodeWorld) -> float:
    at = world.push(server_files(world.prefix, headers="whole"))
    began = time.monotonic()
    assert start(world, world.order(at, UPGRADE)).wait() == 0
    return time.monotonic() - began


def _held(world: NodeWorld) -> str:
    position = world.checkout_position() or Position("", None)  # type: ignore[arg-type]  # for the table only
    return f"checkout={position.commit[:7]} containers={len(world.containers())}"
