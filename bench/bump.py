"""One bump, one changed stack of eight: from the delivery of the push to the finished check. `python -m bench.bump`.

Printed beside the bare floor: a script that makes only the requests that opening the pull request needs. Both run
against the embedded GitHub in the same run; then again with 100 ms added to every request.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import requests

from bot.domain.names import RepoName
from sandbox.github import EmbeddedGitHub
from sandbox.running import run_small_aios
from sandbox.service import Service
from sandbox.world import FLEET, SERVER, AiosWorld

STACKS = 5  # beside the three of the small AIOS: eight in all
ROUNDS = 5
LATENCY = 0.1  # seconds
COMPOSE = """\
services:
  web:
    image: example/web{number}:1.0
    environment:
      LOG_LEVEL: info
    volumes:
      - ./conf:/etc/web:ro
    networks: [front]
  worker:
    image: example/worker{number}:1.0
    depends_on: [web]
networks:
  front:
"""


class Round(NamedTuple):
    """One bump. `seconds` run from the push's delivery to the answer that finished the check."""

    seconds: float
    rest: int
    git: int


def main() -> None:
    """Run and print."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aios-bench-")))
        running = run_small_aios(folder, node_root=folder / "node", prepare=_make_stacks)
        world, service, _ = stack.enter_context(running)
        hub = world.hub
        _bump(world, "warm-up")  # the pin's own renderings are in the cache from here on, as on any day but the first
        loopback = [_bump(world, f"round {number}") for number in range(ROUNDS)]
        hub.latency = LATENCY
        slow = [_bump(world, f"slow round {number}") for number in range(ROUNDS)]
        hub.latency = 0
        floor = [_floor(world, f"floor-{number}") for number in range(ROUNDS)]
        hub.latency = LATENCY
        slow_floor = [_floor(world, f"slow-floor-{number}") for number in range(ROUNDS)]
        hub.latency = 0
        print(f"one bump, 1 changed stack of {STACKS + 3}, median of {ROUNDS} (a fresh pull request each time)\n")
        print(f"{'':34}{'wall s':>8}{'REST':>6}{'git':>6}{'of floor':>10}")
        _print("aios-bot, opened and annotated", loopback, floor)
        _print("bare script, opened only", floor, floor)
        _print(f"aios-bot, +{LATENCY * 1000:.0f} ms a request", slow, slow_floor)
        _print(f"bare script, +{LATENCY * 1000:.0f} ms a request", slow_floor, slow_floor)
        print(f"\npeak memory of the service: {_peak_memory(service):.0f} MiB")


def _make_stacks(world: AiosWorld) -> None:
    files: dict[str, str | None] = {}
    for number in range(STACKS):
        files[f"stacks/stack{number}/compose.yaml"] = COMPOSE.format(number=number)
        files[f"stacks/stack{number}/conf/web.conf"] = "a = 1\n"
    world.push(SERVER, files, "Eight stacks")


def _bump(world: AiosWorld, word: str) -> Round:
    """Push one change, wait for the annotated pull request, then close it by hand so that the next one is fresh."""
    hub = world.hub
    _wait_until_quiet(hub)
    hub.requests.clear()
    text = COMPOSE.format(number=3).replace("info", word.replace(" ", "-"))
    world.push(SERVER, {"stacks/stack3/compose.yaml": text}, word)
    check = _wait_for(hub, "POST", "/repos/{owner}/{repo}/check-runs", FLEET)
    start = next(r.at for r in hub.requests if r.kind == "git" and r.route == "git-receive-pack")
    _wait_until_quiet(hub)
    own = [r for r in hub.requests if r.at > start]
    seconds = check.at - start
    counted = Round(
        seconds,
        sum(r.kind == "rest" for r in own),
        sum(r.kind == "git" and r.route != "git-receive-pack" for r in own),
    )
    _close(world)
    return counted


def _wait_for(hub: EmbeddedGitHub, method: str, route: str, repo: RepoName) -> Any:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for logged in list(hub.requests):
            if logged.method == method and logged.route == route and f"/{repo}/" in logged.path:
                return logged
        time.sleep(0.01)
    raise RuntimeError(f"{method} {route} did not come")


def _wait_until_quiet(hub: EmbeddedGitHub) -> None:
    """Until nobody has asked anything for a while."""
    hub.wait_for_deliveries()
    seen = -1
    while seen != len(hub.requests):
        seen = len(hub.requests)
        time.sleep(0.7)


def _close(world: AiosWorld) -> None:
    latency, world.hub.latency = world.hub.latency, 0
    session = _session(world)
    api = f"{world.hub.url}/api/v3/repos/{FLEET}"
    for pull in session.get(f"{api}/pulls").json():
        session.patch(f"{api}/pulls/{pull['number']}", json={"state": "closed"})
    session.delete(f"{api}/git/refs/heads/aios-bot/main/server")
    _wait_until_quiet(world.hub)
    world.hub.latency = latency


def _session(world: AiosWorld) -> requests.Session:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {world.token}"
    return session


def _floor(world: AiosWorld, branch: str) -> Round:
    """The requests that opening the pull request takes, one after the other, and nothing else."""
    api = f"{world.hub.url}/api/v3/repos/{FLEET}"
    session = _session(world)
    tip = world.git(world.checkouts / "server", "rev-parse", "HEAD")
    world.hub.requests.clear()
    start = time.monotonic()
    repo = session.get(api).json()
    head = session.get(f"{api}/branches/{repo['default_branch']}").json()["commit"]
    session.get(f"{api}/contents/.gitmodules").json()
    session.get(f"{api}/contents/server").json()
    entry = {"path": "server", "mode": "160000", "type": "commit", "sha": tip}
    tree = {"base_tree": head["commit"]["tree"]["sha"], "tree": [entry]}
    new_tree = session.post(f"{api}/git/trees", json=tree).json()["sha"]
    commit = {"message": "bump", "tree": new_tree, "parents": [head["sha"]]}
    sha = session.post(f"{api}/git/commits", json=commit).json()["sha"]
    session.post(f"{api}/git/refs", json={"ref": f"refs/heads/{branch}", "sha": sha})
    body = {"title": "bump", "head": branch, "base": "main", "body": ""}
    number = session.post(f"{api}/pulls", json=body).json()["number"]
    session.post(f"{api}/issues/{number}/labels", json={"labels": ["dependencies"]})
    seconds = time.monotonic() - start
    counted = Round(seconds, sum(r.kind == "rest" and r.seconds < 60 for r in world.hub.requests), 0)
    _close(world)
    return counted


def _print(name: str, rounds: list[Round], floor: list[Round]) -> None:
    wall = statistics.median(r.seconds for r in rounds)
    rest = max(r.rest for r in rounds)
    git = max(r.git for r in rounds)
    ratio = wall / statistics.median(r.seconds for r in floor)
    print(f"{name:34}{wall:8.2f}{rest:6}{git:6}{ratio:9.1f}x")


def _peak_memory(service: Service) -> float:
    """The service's own high-water mark, in MiB."""
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
