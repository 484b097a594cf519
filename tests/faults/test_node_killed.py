"""kill -9 of a node's process, at one moment after the other: the next start puts back what ran before, and says so.

Six moments on every run; `make soak` takes twenty-five.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, NamedTuple

import pytest

from bot.agent.checkout import CheckoutPosition
from bot.agent.state import Finished, find_unfinished
from bot.features.rollout.apply.signing import sign_order
from bot.protocol.action import Action
from bot.protocol.order import Order
from bot.protocol.outcome import OrderEnd
from tests.gitworld import git
from tests.nodeworld import CREATE_ALL, NOTHING, NodeWorld, server_files

NODE_COMMAND = [sys.executable, "-c", "from bot.cli.main import main; main()", "node"]
EXTRA = "  extra:\n    image: whoami:1\n    networks: [ingress]\n"
UPGRADE = {
    "ingress": {"traefik": Action.RECREATE, "whoami": Action.RESTART, "extra": Action.CREATE},
    "secrets": {"vault": Action.RECREATE},
}
KEPT = {
    "acme.local": b"\x00\xff",
    "notes.txt": b"a person's\r\n",
    "server/stacks/secrets/.env": b"A=1\r\n",
    "server/stacks/secrets/acme/acme.json": b"{}",
}


class Row(NamedTuple):
    """One kill, and what became of it."""

    moment: int
    seconds: float  # after the order was begun
    step: str  # the last one that the process spoke of
    found: str  # what the next start found
    end: str
    runs: str  # the version that runs now

    def __str__(self) -> str:
        return f"{self.moment:3} {self.seconds:6.2f} s  {self.step:14} {self.found:12} {self.end:12} {self.runs}"


def test_killed_at_six_moments(node_world: NodeWorld) -> None:
    rows = kill_at_each(node_world, 6)
    assert sum(row.found == "half done" for row in rows) >= 3, rows


@pytest.mark.soak
def test_killed_at_twenty_five_moments(node_world: NodeWorld) -> None:
    rows = kill_at_each(node_world, 25)
    assert sum(row.found == "half done" for row in rows) >= 12, rows


def kill_at_each(world: NodeWorld, moments: int) -> list[Row]:
    """Kill an upgrade at `moments` moments between its beginning and its end; print and return the table."""
    world.engine.docker("exec", world.containers()["secrets/vault"][0], "sh", "-c", "echo kept > /data/file")
    for name, content in KEPT.items():
        (world.root / name).write_bytes(content)
    whole = time_of_a_whole_order(world)
    rows = [kill_once(world, moment, whole * (moment + 0.5) / moments) for moment in range(moments)]
    print(f"\nmoment, after begin, last step, found, end, runs ({whole:.2f} s the whole order)", *rows, sep="\n")
    return rows


def kill_once(world: NodeWorld, moment: int, seconds: float) -> Row:
    """One upgrade, killed `seconds` after it was begun; then the next start, and every promise looked at."""
    old = world.checkout_position()
    version, before = world.version("ingress/traefik"), set(world.containers())
    wanted = "traefik:2" if version == "traefik:1" else "traefik:1"
    at = world.push(upgraded(world, traefik=wanted, headers=f"moment {moment}"))
    order = world.order(at, UPGRADE)
    headers = world.root / "server/stacks/ingress/dynamic/headers.yml"
    was = headers.read_bytes()
    step = start_and_kill(world, order, seconds)
    unfinished = find_unfinished(world.state.read_record())
    done = subprocess.run(
        [*NODE_COMMAND, "recover"], env=environment(world), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done
    assert find_unfinished(world.state.read_record()) is None
    last = world.state.read_record()[-1]
    assert isinstance(last, Finished)
    assert last.number == order.number, (last, done)
    if unfinished is None:  # it had ended well before the kill
        assert last.end is OrderEnd.SUCCESS
        assert_runs(world, at, wanted)
        assert headers.read_text() == f"moment {moment}\n"
        assert "nothing to recover" in done.stdout
        reset(world)
    else:
        assert last.end in (OrderEnd.ROLLED_BACK, OrderEnd.UNTOUCHED), done
        assert f"the node stopped in the middle of order {order.number}" in done.stdout
        assert old is not None
        assert_runs(world, old, version)
        assert set(world.containers()) == before
        assert headers.read_bytes() == was
    assert_kept(world)
    found = "ended" if unfinished is None else "half done" if unfinished.touching else "untouched"
    return Row(moment, seconds, step, found, last.end, world.version("ingress/traefik"))


def assert_runs(world: NodeWorld, at: CheckoutPosition, version: str) -> None:
    assert world.checkout_position() == at
    assert world.version("ingress/traefik") == version
    for name in ("ingress/traefik", "ingress/whoami", "secrets/vault"):
        assert name in world.containers()


def assert_kept(world: NodeWorld) -> None:
    """Volumes and untracked files are byte for byte what they were."""
    assert digests(world.root, KEPT) == {name: hashlib.sha256(content).hexdigest() for name, content in KEPT.items()}
    assert world.engine.docker("exec", world.containers()["secrets/vault"][0], "cat", "/data/file") == "kept"
    assert sorted(untracked(world.root)) == sorted(KEPT)


def digests(root: Path, names: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in names}


def untracked(root: Path) -> list[str]:
    own = git(root, "ls-files", "--others", "-z").split("\0")
    inner = git(root / "server", "ls-files", "--others", "-z").split("\0")
    return [name for name in own if name] + [f"server/{name}" for name in inner if name]


def upgraded(world: NodeWorld, *, traefik: str, headers: str) -> dict[str, str | None]:
    files = server_files(world.prefix, traefik=traefik, headers=headers)
    name = "stacks/ingress/docker-compose.yml"
    return files | {name: (files[name] or "").replace("networks:\n  ingress:\n", f"{EXTRA}networks:\n  ingress:\n")}


def reset(world: NodeWorld) -> None:
    """Back to the services of the beginning, so that the next moment finds the same."""
    at = world.push(server_files(world.prefix, traefik=world.version("ingress/traefik"), headers="reset"))
    actions = {"ingress": {**NOTHING["ingress"], "extra": Action.REMOVE}, "secrets": NOTHING["secrets"]}
    assert world.deploy(world.order(at, actions)).end is OrderEnd.SUCCESS


def time_of_a_whole_order(world: NodeWorld) -> float:
    """Seconds from the order's beginning to its end, undisturbed."""
    at = world.push(upgraded(world, traefik="traefik:1", headers="whole"))
    process = start(world, world.order(at, UPGRADE))
    wait_for_begin(process)
    began = time.monotonic()
    assert process.wait(120) == 0
    whole = time.monotonic() - began
    reset(world)
    return whole


def environment(world: NodeWorld) -> dict[str, str]:
    remote = (world.folder / "remote").as_uri()
    (world.folder / ".gitconfig").write_text(f'[url "{remote}/"]\n\tinsteadOf = https://github.com/\n')
    return world.engine.environment | {
        "HOME": str(world.folder),
        "AIOS_BOT_NODE_STATE": str(world.state.folder),
        "AIOS_BOT_NODE_WATCH": "1",
    }


def start(world: NodeWorld, order: Order) -> subprocess.Popen[bytes]:
    """The real command in a session of its own, as a runner's job."""
    return subprocess.Popen(
        [*NODE_COMMAND, "deploy"],
        env=environment(world) | {"AIOS_BOT_ORDER": sign_order(order, world.key)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def wait_for_begin(process: subprocess.Popen[bytes], *, step: str = "") -> str:
    """Read what it prints until the step (the first one without a name) after the order was begun."""
    stream: IO[bytes] | None = process.stderr
    assert stream is not None
    printed = []
    for line in stream:
        printed.append(line.decode("utf-8", "replace"))
        if line.startswith(f"- {step}".encode()):
            return line.decode().strip("- \n")
    out = (process.stdout.read() if process.stdout else b"").decode("utf-8", "replace")
    raise AssertionError(f"it ended with {process.wait()} before `- {step}`:\n{''.join(printed)}{out}")


def start_and_kill(world: NodeWorld, order: Order, seconds: float, *, step: str = "") -> str:
    """Kill the whole session `seconds` after the step (the first one) began; the last step that it spoke of."""
    process = start(world, order)
    last = wait_for_begin(process, step=step)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    printed = (process.stderr.read() if process.stderr else b"").decode("utf-8", "replace").splitlines()
    return next((line.strip("- ") for line in reversed(printed) if line.startswith("- ")), last)


def test_a_kill_in_a_first_order_leaves_a_node_that_takes_the_next(
    empty_node: tuple[NodeWorld, CheckoutPosition],
) -> None:
    world, first = empty_node
    whole = 2.0
    for moment in range(3):
        start_and_kill(world, world.order(first, CREATE_ALL), whole * (moment + 0.5) / 3)
    process = start(world, world.order(first, CREATE_ALL))
    out, printed = process.communicate(timeout=120)
    assert process.returncode == 0, (out, printed)
    assert set(world.containers()) == {"ingress/traefik", "ingress/whoami", "secrets/vault"}


@pytest.mark.soak
def test_kills_all_through_a_first_checkout(empty_node: tuple[NodeWorld, CheckoutPosition]) -> None:
    world, first = empty_node
    for moment in range(200):
        step = start_and_kill(world, world.order(first, CREATE_ALL), moment * 0.003, step="check out")
        if not step.startswith("check out"):
            break
        recovered = subprocess.run(
            [*NODE_COMMAND, "recover"],
            env=environment(world),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert recovered.returncode == 0, f"{recovered.stdout}\n{recovered.stderr}"
        shutil.rmtree(world.root)
    assert moment > 20, (moment, step)
