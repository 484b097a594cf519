"""What a node adds to compose: orders over twenty services in four stacks, beside a bare `docker compose up -d`.

`python -m bench.node`. Both run as processes of their own, as a runner's job would start them; the images are there.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bot.agent.checkout import CheckoutPosition
from bot.engine.compose import LIBRARY
from bot.features.rollout.apply.signing import sign_order
from bot.protocol.action import Action
from sandbox.engine import start_engine
from tests.nodeworld import Actions, NodeWorld
from tests.twenty import STACKS, all_services, make_twenty, twenty_files

ROUNDS = 7
MOST = 1.5  # times the bare compose that an order without changes may take
OPTIONS = "from bot.engine.compose import load_client_config"


def main() -> None:
    """Run and print."""
    with tempfile.TemporaryDirectory(prefix="aios-node-") as folder, start_engine(Path(folder) / "e") as engine:
        world, at = make_twenty(Path(folder) / "w", engine, "bench")
        # As on a node at GitHub: the settings rewrite the address to the repository of this bench.
        remote = (world.folder / "remote").as_uri()
        (world.folder / ".gitconfig").write_text(f'[url "{remote}/"]\n\tinsteadOf = https://github.com/\n')
        before = world.containers()
        bare = _median(lambda: _compose_up(world))
        nothing = _median(lambda: _deploy(world, at, all_services(Action.NONE)))
        same = world.containers() == before
        moved: list[int] = []

        def change_one() -> None:
            version = str(len(moved) % 2 + 2)
            engine.make_image(f"web:{version}", version=version)
            then = world.containers()
            _deploy(
                world,
                world.push(twenty_files("bench", version=version)),
                all_services(Action.NONE, stack2_web3=Action.RECREATE),
            )
            now = world.containers()
            moved.append(sum(now[name] != then[name] for name in now))

        one = _median(change_one)
    ratio = nothing / bare
    print(f"bare `docker compose up -d`, nothing to do, {len(STACKS)} stacks: {bare:6.2f} s (median of {ROUNDS})")
    print(f"an order with nothing to do, from its process to its end:  {nothing:6.2f} s, {ratio:.2f} times")
    print(f"  at most {MOST} times is wanted: {'reached' if ratio <= MOST else 'MISSED'}")
    print(f"  containers and start times as before: {'all 20' if same else 'NO'}")
    whole = _median(lambda: _run(f"import {LIBRARY}")) - _median(lambda: _run("pass"))
    part = _median(lambda: _run(f"{OPTIONS}; load_client_config()")) - _median(lambda: _run(OPTIONS))
    print(f"  importing {LIBRARY}, which it does without:   {whole:6.2f} s")
    print(f"  loading its part that builds options, which an order with changes needs: {part:6.2f} s")
    print(f"an order that changes one of twenty:                       {one:6.2f} s, with commit and push")
    print(f"  containers that were touched, per order: {sorted(set(moved))}")


def _median(act: Callable[[], None]) -> float:
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def _run(program: str) -> None:
    subprocess.run([sys.executable, "-c", program], check=True)


def _compose_up(world: NodeWorld) -> None:
    for stack in STACKS:
        folder = world.root / "server/stacks" / stack
        command = ["docker", "compose", "--project-name", world.project(stack), "up", "--detach"]
        subprocess.run(command, cwd=folder, env=world.engine.environment, check=True, capture_output=True)


def _deploy(world: NodeWorld, at: CheckoutPosition, actions: Actions) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from bot.cli.main import main; main()", "node", "deploy"],
        env=world.engine.environment
        | {
            "HOME": str(world.folder),
            "AIOS_BOT_NODE_STATE": str(world.state.folder),
            "AIOS_BOT_ORDER": sign_order(world.order(at, actions), world.key),
        },
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stdout.decode() + done.stderr.decode())


if __name__ == "__main__":
    main()
