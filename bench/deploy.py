"""Commit to healthy: from the press on Merge to containers that run what was merged. `python -m bench.deploy`.

One changed image of two services, on the embedded GitHub, a real engine and the direct runner. What a container
itself needs from its start until its healthcheck says so is its own affair and is taken off. The floor is what a
person would type on the node: `git fetch`, `git checkout` and `docker compose up -d` over the same stack.
"""

from __future__ import annotations

import compileall
import json
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import requests

from bot.agent.state import NodeState
from bot.storage.keyfiles import ORDERS_PUBLIC
from sandbox.engine import Engine, start_engine
from sandbox.github import EmbeddedGitHub
from sandbox.runner import Runner
from sandbox.running import run_small_aios
from sandbox.world import FLEET, IMAGES, NODE, PERSON, SERVER, AiosWorld

ROUNDS = 5
INGRESS = "stacks/ingress/docker-compose.yml"
VERSIONS = ("traefik:v3.1", "traefik:v3.2")
SERVICE = "ingress-traefik-1"
LIMIT = 180  # seconds
_STEP = re.compile(r"^  (.+): ([0-9.]+) s$", re.MULTILINE)


class Round(NamedTuple):
    """One merge; seconds since it, but for the last two fields, which hold spans."""

    dispatched: float  # the workflow run exists
    taken: float  # the node says that it is at it
    started: float  # the new container started
    healthy: float  # its healthcheck said so
    told: float  # the deployment's success
    own: float  # from the container's start to healthy
    steps: dict[str, float]  # of the node's order, as its job's log has them


def main() -> None:
    """Run and print."""
    compileall.compile_dir("bot", quiet=1)  # as in an install
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aios-bench-")))
        engine = stack.enter_context(start_engine(folder / "engine"))
        for image in ("traefik:v3.1", "traefik:v3.2", "traefik/whoami:v1.10"):
            engine.make_image(image, version=IMAGES[image])
        running = run_small_aios(folder, node_root=folder / "node/aios", prepare=_keep_one_stack)
        world, service, _ = stack.enter_context(running)
        NodeState(folder / "node/state").trust(
            service.data / "keys" / ORDERS_PUBLIC, fleet=FLEET, node=NODE, root=None
        )
        runner = stack.enter_context(
            Runner(
                world.hub,
                labels=("self-hosted", NODE),
                state=folder / "node/state",
                environment=engine.environment,
                folder=folder / "node/runner",
                act="",
            )
        )
        _round(world, engine, runner, 0)  # the first one clones, and makes everything
        rounds = [_round(world, engine, runner, number) for number in range(1, ROUNDS + 1)]
        floor = [_floor(world, engine, folder, number) for number in range(ROUNDS)]
        _print(rounds, floor)


def _keep_one_stack(world: AiosWorld) -> None:
    text = (world.checkouts / "aios-win/.github/aios-bot.yml").read_text()
    world.push(FLEET, {".github/aios-bot.yml": text.rstrip() + "\n    stacks: [ingress]\n"}, "One stack")


def _round(world: AiosWorld, engine: Engine, runner: Runner, number: int) -> Round:
    old, new = VERSIONS[number % 2], VERSIONS[(number + 1) % 2]
    pull = _propose(world, old, new)
    _wait_until_quiet(world.hub)
    world.hub.requests.clear()
    merged, clock = time.time(), time.monotonic()
    commit = world.hub.merge_pull(FLEET, pull, by=PERSON)
    _wait("the deployment", lambda: _state(world, commit) == "success")
    asked = [r for r in world.hub.requests if r.method == "POST"]
    dispatched = next(r.at for r in asked if r.route.endswith("/dispatches"))
    posted = [r.at for r in asked if r.route.endswith("/statuses") and "deployments" in r.route]
    container = json.loads(engine.docker("inspect", SERVICE))[0]
    assert container["Config"]["Image"] == new
    started = _when(container["State"]["StartedAt"])
    healthy = next(_when(log["End"]) for log in container["State"]["Health"]["Log"] if log["ExitCode"] == 0)
    return Round(
        dispatched=dispatched - clock,
        taken=posted[1] - clock,
        started=started - merged,
        healthy=healthy - merged,
        told=posted[-1] - clock,
        own=healthy - started,
        steps=_read_steps(runner, number + 1),
    )


def _read_steps(runner: Runner, jobs: int) -> dict[str, float]:
    """The steps in the log of job number `jobs`, in seconds. It is written after the deployment's status."""

    def newest() -> dict[str, float]:
        logs = sorted(runner.logs.glob("*.log"), key=lambda log: int(log.stem))
        found = _STEP.findall(logs[-1].read_text()) if len(logs) == jobs else []
        return {name: float(seconds) for name, seconds in found}

    return dict(_wait("the job's log", newest))


def _when(text: str) -> float:
    """Seconds since the epoch of a time as the engine writes it, with nanoseconds and perhaps with an offset."""
    head, _, rest = text.partition(".")
    digits = rest.rstrip("Z")
    zone = "+00:00"
    for sign in "+-":
        if sign in digits:
            digits, zone = digits.split(sign)[0], sign + digits.split(sign)[1]
    return datetime.fromisoformat(f"{head}.{digits[:6].ljust(6, '0')}{zone}").timestamp()


def _propose(world: AiosWorld, old: str, new: str) -> int:
    """The pull request that changes the image, once its plan is posted."""
    pushed = world.edit(SERVER, INGRESS, old, new, f"{old} to {new}")

    def proposed() -> int | None:
        for pull in _get(world, "pulls"):
            head = pull["head"]["sha"]
            checks = _get(world, f"commits/{head}/check-runs")["check_runs"]
            if _get(world, f"contents/server?ref={head}")["sha"] == pushed and checks:
                return int(pull["number"])
        return None

    return int(_wait("the pull request", proposed))


def _state(world: AiosWorld, commit: str) -> str:
    for deployment in _get(world, f"deployments?sha={commit}"):
        statuses = _get(world, f"deployments/{deployment['id']}/statuses")
        state = str(statuses[0]["state"]) if statuses else ""
        if state in ("failure", "error"):
            raise RuntimeError(f"the deployment failed: {statuses[0]['description']}")
        return state
    return ""


def _get(world: AiosWorld, path: str) -> Any:
    headers = {"Authorization": f"Bearer {world.token}"}
    answer = requests.get(f"{world.hub.url}/api/v3/repos/{FLEET}/{path}", headers=headers, timeout=30)
    answer.raise_for_status()
    return answer.json()


def _wait(what: str, find: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        found = find()
        if found:
            return found
        time.sleep(0.25)  # seldom: the embedded GitHub and the bot share these processors
    raise RuntimeError(f"{what} did not come")


def _wait_until_quiet(hub: EmbeddedGitHub) -> None:
    hub.wait_for_deliveries()
    seen = -1
    while seen != len(hub.requests):
        seen = len(hub.requests)
        time.sleep(1.5)


def _floor(world: AiosWorld, engine: Engine, folder: Path, number: int) -> float:
    """What a person would type, from the first command to the start of the new container."""
    checkout = folder / "by-hand"
    if not checkout.exists():
        world.git(folder, "clone", "--quiet", f"{world.hub.url}/{SERVER}.git", str(checkout))
        _compose(engine, checkout)
    now = (world.checkouts / "server" / INGRESS).read_text()
    old, new = VERSIONS if VERSIONS[0] in now else VERSIONS[::-1]
    world.edit(SERVER, INGRESS, old, new, f"by hand {number}")
    _wait_until_quiet(world.hub)
    start = time.time()
    world.git(checkout, "fetch", "--quiet", "origin")
    world.git(checkout, "checkout", "--quiet", "--detach", "origin/main")
    _compose(engine, checkout)
    return _when(json.loads(engine.docker("inspect", SERVICE))[0]["State"]["StartedAt"]) - start


def _compose(engine: Engine, checkout: Path) -> None:
    command = ["docker", "compose", "--project-name", "ingress", "-f", INGRESS, "up", "--detach", "--quiet-pull"]
    subprocess.run(command, cwd=checkout, env=engine.environment, check=True, capture_output=True)


def _print(rounds: list[Round], floor: list[float]) -> None:
    def median(values: list[float]) -> float:
        return statistics.median(values)

    own = median([r.own for r in rounds])
    started = median([r.started for r in rounds])
    print(f"one changed image of two services, median of {len(rounds)}; seconds after the merge\n")
    print(f"{'order dispatched':48}{median([r.dispatched for r in rounds]):8.2f}")
    print(f"{'taken by the node':48}{median([r.taken for r in rounds]):8.2f}")
    print(f"{'new container started':48}{started:8.2f}")
    print(f"{'every container healthy':48}{median([r.healthy for r in rounds]):8.2f}")
    print(f"{'success told (healthy three times in a row)':48}{median([r.told for r in rounds]):8.2f}")
    service, start = median([r.dispatched for r in rounds]), median([r.taken - r.dispatched for r in rounds])
    print(f"\nof which, each the median of its span\n{'the service: merge to order':48}{service:8.2f}")
    print(f"{'the runner and the start of the agent':48}{start:8.2f}")
    for name in rounds[-1].steps:
        print(f"{'the node: ' + name:48}{median([r.steps.get(name, 0.0) for r in rounds]):8.2f}")
    less = median([r.healthy - r.own for r in rounds])
    print(f"\n{'commit to healthy, less what the container needs':48}{less:8.2f}")
    print(f"{'what the container needs, from its start':48}{own:8.2f}")
    print(f"{'by hand, from git fetch to the start':48}{median(floor):8.2f}")
    print(f"{'of the floor':48}{started / median(floor):7.1f}x")


if __name__ == "__main__":
    main()
