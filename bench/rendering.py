"""What planning costs: `python -m bench rendering [--rounds N]`.

A fleet of eight stacks of which one changed, and of a hundred of which three changed, beside the plainest thing that
could be done instead: `docker compose config` on both versions of every stack, one after another. Rounds alternate;
medians are compared. Compose processes are counted by the renderer that starts them.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from bot.domain.names import NodeName, SubmodulePath
from bot.engine.programs import find_compose
from bot.fleetfile import Fleet, Node, Submodule
from bot.git.git import GitRepository
from bot.planner.forkserver import shared_fork_server
from bot.planner.plans import read_plan
from bot.planner.renderer import Renderer
from bot.planner.snapshot import Snapshot
from bot.protocol.action import Action
from tests.gitworld import commit, git, new_repository

COMPOSE = """\
services:
  web:
    image: "nginx:1.{version}"
    environment: {{LEVEL: "${{LEVEL:-info}}", A: "1", B: "2"}}
    ports: ["{port}:80"]
    volumes: ["./conf:/etc/nginx/conf.d:ro", "data:/data"]
    healthcheck: {{test: [CMD, "true"], interval: 30s}}
    labels: {{"traefik.enable": "true", "traefik.http.routers.web.rule": "Host(`web.example.com`)"}}
  db:
    image: "postgres:17.2"
    env_file: [db.env]
    volumes: ["db:/var/lib/postgresql/data"]
volumes:
  data:
  db:
"""


class World:
    """A server with `stacks` stacks at an old and a new pin."""

    def __init__(self, root: Path, stacks: int, changed: int) -> None:
        self.root, self.stacks = root, stacks
        self.server, self.fleet = new_repository(root / "server"), new_repository(root / "fleet")
        first: dict[str, str | None] = {}
        for number in range(stacks):
            folder = f"stacks/stack{number}"
            first[f"{folder}/compose.yaml"] = COMPOSE.format(version=26, port=8000 + number)
            first[f"{folder}/db.env"] = "POSTGRES_DB=app\n"
            first[f"{folder}/conf/web.conf"] = "a\n"
        second: dict[str, str | None] = {
            f"stacks/stack{n}/compose.yaml": COMPOSE.format(version=27, port=8000 + n) for n in range(changed)
        }
        self.old, self.new = self._snapshot(first), self._snapshot(second)
        for name, snapshot in (("old", self.old), ("new", self.new)):
            git(self.server, "worktree", "add", "--quiet", "--detach", str(root / name / "server"), snapshot.pin)

    def _snapshot(self, files: dict[str, str | None]) -> Snapshot:
        pin = commit(self.server, files)
        head = commit(self.fleet, {}, pins={"server": pin})
        return Snapshot(
            fleet=GitRepository.of_checkout(self.fleet),
            commit=head,
            submodule=SubmodulePath("server"),
            upstream=GitRepository.of_checkout(self.server),
            pin=pin,
        )

    def fresh(self, snapshot: Snapshot) -> Snapshot:
        """The same commits with nothing read yet."""
        return Snapshot(
            fleet=snapshot.fleet,
            commit=snapshot.commit,
            submodule=snapshot.submodule,
            upstream=snapshot.upstream,
            pin=snapshot.pin,
        )

    def renderer(self, cache: str) -> Renderer:
        """As after a restart of the service: what is on the disk, and nothing of it in memory."""
        made = Renderer(cache_root=self.root / cache, secret_key=b"bench", guard=shared_fork_server())
        made.confinement.description  # noqa: B018 - the service finds it out when it starts, to say so in its log
        return made

    def plan(self, renderer: Renderer, old: Snapshot | None, new: Snapshot) -> tuple[float, int, int]:
        """Seconds, compose processes, and services touched."""
        start, processes = time.monotonic(), renderer.processes
        plan = read_plan(
            fleet=Fleet(nodes=(Node(name=NodeName("A")), Node(name=NodeName("B")))),
            repo=None,
            submodule=Submodule(path=SubmodulePath("server")),
            upstream_name=None,
            old=self.fresh(old) if old else None,
            new=self.fresh(new),
            renderer=renderer,
            commits=(),
            commits_total=0,
        )
        seconds = time.monotonic() - start
        touched = sum(s.action is not Action.NONE for st in plan.nodes[0].stacks for s in st.services)
        return seconds, renderer.processes - processes, touched

    def floor(self) -> float:
        """Seconds that compose takes for both versions of every stack, one after another."""
        program = find_compose().path
        start = time.monotonic()
        for version in ("old", "new"):
            for number in range(self.stacks):
                folder = self.root / version / f"server/stacks/stack{number}"
                subprocess.run([program, "config", "--format", "json"], cwd=folder, capture_output=True, check=True)
        return time.monotonic() - start


def measure(stacks: int, changed: int, rounds: int) -> None:
    """Print one line for each case."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), stacks, changed)
        floors, cold, warm, same, overhead = [], [], [], [], []
        for number in range(rounds):
            if stacks < 20 or number == 0:
                floors.append(world.floor())
            cold.append(world.plan(world.renderer(f"cold{number}"), world.old, world.new))
            cache = f"warm{number}"
            world.plan(world.renderer(cache), None, world.old)  # the plan of the bump before
            warm.append(world.plan(world.renderer(cache), world.old, world.new))
            same.append(world.plan(world.renderer(cache), world.old, world.new))
            overhead.append(world.plan(world.renderer(cache), world.new, world.new))
        floor = statistics.median(floors)
        print(f"{stacks} stacks on two nodes, {changed} changed; {2 * stacks} times compose alone: {floor:.2f} s")
        for name, runs, limit in (
            ("first plan ever, nothing kept", cold, ""),
            (
                f"{changed} changed since the last plan",
                warm,
                "at most 25 %" if stacks < 20 else "follows the changed",
            ),
            ("planned again after a restart", same, "0 processes"),
            ("old and new are the same pin", overhead, "0 processes"),
        ):
            seconds = statistics.median(run[0] for run in runs)
            share = f"{100 * seconds / floor:5.1f} %"
            print(f"  {name:34}{seconds:7.2f} s {share} {runs[0][1]:4} processes {runs[0][2]:4} touched   {limit}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    measure(8, 1, rounds)
    measure(100, 3, max(1, rounds // 2))


if __name__ == "__main__":
    main()
