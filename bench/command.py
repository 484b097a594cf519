"""From a comment to the first visible sign that it was heard, and to its answer. `python -m bench.command`.

Printed beside the bare floor: one request that reacts to the comment. Against the embedded GitHub, on loopback; then
again with 100 ms added to every request, about what the real one takes.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import requests

from sandbox.github import EmbeddedGitHub
from sandbox.requests_log import LoggedRequest
from sandbox.running import run_small_aios
from sandbox.world import FLEET, PERSON, SERVER, AiosWorld

ROUNDS = 15
FLOORS = 3  # after each command, so that what else the machine does weighs on both
LATENCY = 0.1  # seconds
REACTION = "/repos/{owner}/{repo}/issues/comments/{id}/reactions"
REPLY = "/repos/{owner}/{repo}/issues/{number}/comments"


class Round(NamedTuple):
    """One command. Seconds from the comment's webhook; requests until the reaction, that one counted."""

    reaction: float
    requests: int
    answer: float


def main() -> None:
    """Run and print."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aios-bench-")))
        world = stack.enter_context(run_small_aios(folder, node_root=folder / "node")).world
        number = _open_pull(world)
        print(f"/status in a pull request, median of {ROUNDS}\n")
        print(f"{'':50}{'s':>8}{'requests':>10}{'of floor':>10}")
        _measure(world, number, "")
        world.hub.latency = LATENCY
        _measure(world, number, f", +{LATENCY * 1000:.0f} ms each")


def _measure(world: AiosWorld, number: int, how: str) -> None:
    rounds, floors = [], []
    for _ in range(ROUNDS):
        rounds.append(_command(world, number))
        _wait_until_quiet(world.hub)
        floors += [_floor(world, number) for _ in range(FLOORS)]
    floor = statistics.median(floors)
    reaction = statistics.median(r.reaction for r in rounds)
    answer = statistics.median(r.answer for r in rounds)
    most = max(r.requests for r in rounds)
    _print(f"comment to its first reaction{how}", reaction, str(most), floor)
    _print(f"comment to its whole answer{how}", answer, "", floor)
    _print(f"bare floor: one reaction by a script{how}", floor, "1", floor)


def _print(name: str, seconds: float, count: str, floor: float) -> None:
    print(f"{name:50}{seconds:8.3f}{count:>10}{seconds / floor:9.1f}x")


def _open_pull(world: AiosWorld) -> int:
    ingress = "stacks/ingress/docker-compose.yml"
    world.edit(SERVER, ingress, "traefik:v3.1", "traefik:v3.2", "Traefik 3.2")
    _wait_for(world.hub, "POST", "/repos/{owner}/{repo}/check-runs", since=0.0)
    _wait_until_quiet(world.hub)
    headers = {"Authorization": f"Bearer {world.token}"}
    found = requests.get(f"{world.hub.url}/api/v3/repos/{FLEET}/pulls", headers=headers, timeout=30).json()
    return int(found[0]["number"])


def _command(world: AiosWorld, number: int) -> Round:
    hub = world.hub
    _wait_until_quiet(hub)
    start = time.monotonic()
    hub.comment(FLEET, number, "/status", by=PERSON)
    reaction = _wait_for(hub, "POST", REACTION, since=start)
    answer = _wait_for(hub, "POST", REPLY, since=start)
    until = [r for r in list(hub.requests) if start < r.at <= reaction.at and r.kind in ("rest", "graphql")]
    return Round(reaction.at - start, len(until), answer.at - start)


def _floor(world: AiosWorld, number: int) -> float:
    comment = world.hub.comment(FLEET, number, "no command", by=PERSON)
    url = f"{world.hub.url}/api/v3/repos/{FLEET}/issues/comments/{comment}/reactions"
    start = time.monotonic()
    requests.post(url, json={"content": "eyes"}, headers={"Authorization": f"Bearer {world.token}"}, timeout=30)
    return time.monotonic() - start


def _wait_for(hub: EmbeddedGitHub, method: str, route: str, *, since: float) -> LoggedRequest:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for logged in list(hub.requests):
            if logged.at > since and (logged.method, logged.route) == (method, route):
                return logged
        time.sleep(0.005)
    raise RuntimeError(f"{method} {route} did not come")


def _wait_until_quiet(hub: EmbeddedGitHub) -> None:
    hub.wait_for_deliveries()
    seen = -1
    while seen != len(hub.requests):
        seen = len(hub.requests)
        time.sleep(1.2)


if __name__ == "__main__":
    main()
