"""What `aios-bot plan` costs a person: `python -m bench plan-cli [--rounds N]`.

The whole command, from its start to its end, beside `docker compose config` on both versions of every stack, one
after another: with nothing kept, and with the renderings of a run before. Then what planning alone costs, in the two
sizes of `python -m bench rendering`. Rounds alternate; medians are compared, and each stands beside its limit.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.rendering import World

COMMAND = (sys.executable, "-m", "bot", "plan")
STACKS, CHANGED = 8, 1


def run_command(world: World, cache: Path) -> float:
    """Seconds of `aios-bot plan` between the two pins of the stacks repository alone."""
    arguments = ("--repo", str(world.server), "--old", world.old.pin, "--new", world.new.pin)
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program has its modules compiled
    start = time.monotonic()
    subprocess.run([*COMMAND, *arguments], env=environment, capture_output=True, check=True)
    return time.monotonic() - start


def show(name: str, runs: Sequence[float], floor: float, limit: float) -> None:
    """Print one figure beside its limit, both as shares of what compose alone takes."""
    seconds = statistics.median(runs)
    word = "within" if seconds <= limit * floor else "OVER"
    print(f"  {name:46}{seconds:7.2f} s {seconds / floor:7.3f} of compose alone, limit {limit:.2f}: {word}")


def measure_command(rounds: int) -> None:
    """Eight stacks, one changed, by the command as a person types it."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), STACKS, CHANGED)
        floors, cold, warm = [], [], []
        for number in range(rounds):
            floors.append(world.floor())
            cache = Path(folder) / f"cache{number}"
            cold.append(run_command(world, cache))
            warm.append(run_command(world, cache))
        floor = statistics.median(floors)
        print(f"{STACKS} stacks, {CHANGED} changed; compose alone, both sides: {floor:.2f} s")
        show("aios-bot plan, nothing kept", cold, floor, 1.0)
        show("aios-bot plan, renderings kept", warm, floor, 0.3)


def measure_planning(stacks: int, changed: int, rounds: int, *, first: float, later: float) -> None:
    """Planning in a service that runs: the first plan ever, and the next one after `changed` stacks changed."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), stacks, changed)
        floors, cold, warm = [world.floor()], [], []
        for number in range(rounds):
            if first:
                floors.append(world.floor())
                cold.append(world.plan(world.renderer(f"cold{number}"), world.old, world.new)[0])
            world.plan(world.renderer(f"warm{number}"), None, world.old)  # the plan of the bump before
            warm.append(world.plan(world.renderer(f"warm{number}"), world.old, world.new)[0])
        floor = statistics.median(floors)
        print(f"{stacks} stacks on two nodes, {changed} changed; compose alone, both sides: {floor:.2f} s")
        if first:
            show("first plan ever", cold, floor, first)
        if later:
            show(f"{changed} changed since the last plan", warm, floor, later)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    measure_command(rounds)
    measure_planning(8, 1, rounds, first=0.5, later=0.0)
    measure_planning(100, 3, max(1, rounds // 2), first=0.0, later=0.04)


if __name__ == "__main__":
    main()
