"""How many requests each thing that the bot does costs: `python -m bench requests`, printed from the recording.

`--each` prints every one of them, `--write docs/reference/requests.md` writes the page.

Against the embedded GitHub, which answers unchanged lists with 304 as GitHub does: those count against no budget.
Requests with the node's own token are not counted: each job has a budget of its own.
"""

from __future__ import annotations

import argparse
import base64
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import requests

from sandbox.github import EmbeddedGitHub
from sandbox.requests_log import LoggedRequest
from sandbox.running import run_small_aios
from sandbox.world import FLEET, NODE, OWNER, PERSON, SERVER, AiosWorld

HUB = f"{OWNER}/AIOS"
INGRESS = "stacks/ingress/docker-compose.yml"
BUDGET = 5_000  # requests of an installation in an hour (GitHub: rate limits for the REST API)
LIMIT = 90  # seconds until the last look of the set-up
NODES, SWEEPS_A_DAY = 50, 4
BUMPS_A_DAY = 10


class Cost(NamedTuple):
    """What one action took. `budget`: those that count, which is all but the unchanged answers."""

    action: str
    rest: int
    graphql: int
    git: int
    budget: int


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench requests")
    parser.add_argument("--each", action="store_true", help="print every request")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the tables of docs/reference/requests.md")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aios-bench-")))
        world, service, _ = stack.enter_context(run_small_aios(folder, node_root=folder / "node"))
        settle = partial(_settle, world.hub, service.url)
        settle()
        _wait_for_ladders(service.url)
        costs = [_cost("set-up: the first look at one fleet", world.hub.requests)]

        def measure(action: str, do: Callable[[], object]) -> None:
            world.hub.requests.clear()
            do()
            settle()
            costs.append(_cost(action, world.hub.requests))
            if arguments.each:
                _print_each(action, world.hub.requests)

        measure("a first bump", lambda: _push(world, "traefik:v3.1", "traefik:v3.2"))
        number = _pull(world)
        measure("a refused comment", lambda: world.hub.comment(FLEET, number, "/deploy NOWHERE", by="stranger"))
        measure("a merge, to its order", lambda: world.hub.merge_pull(FLEET, number, by=PERSON))
        measure("a node's report of an order", lambda: _carry_out(world))
        costs.append(_drift(world, settle))
        measure("a bump, opened and annotated", lambda: _push(world, "whoami:v1.10", "whoami:v1.11"))
        number = _pull(world)
        measure("a bump that moves on", lambda: _push(world, "whoami:v1.11", "whoami:v1.12"))
        measure("`/status`", lambda: world.hub.comment(FLEET, number, "/status", by=PERSON))
        measure(
            "`/deploy` to one node, to its order",
            lambda: world.hub.comment(FLEET, number, f"/deploy {NODE}", by=PERSON),
        )
        measure("the same, its report", lambda: _carry_out(world))
        measure("a hub page", lambda: _open_hub(world))
        measure("a look at one fleet, nothing new", lambda: world.hub.accept_permissions(world.installation))
        _print(costs)
        if arguments.write:
            arguments.write.write_text(write_tables(arguments.write.read_text("utf-8"), costs), "utf-8")


def _cost(action: str, logged: list[LoggedRequest]) -> Cost:
    """Count what the App sent since the recording was cleared."""
    own = [one for one in logged if one.by in ("installation", "app")]
    kinds = Counter(one.kind for one in own)
    budget = sum(one.kind != "git" and one.by == "installation" and one.status != 304 for one in own)
    return Cost(action, kinds["rest"], kinds["graphql"], kinds["git"], budget)


def _print_each(action: str, logged: list[LoggedRequest]) -> None:
    print(f"\n{action}:")
    for one in logged:
        if one.kind != "git" and one.by in ("installation", "app"):
            print(f"  {one.by:13}{one.status:4} {one.method:7}{one.path.removeprefix('/api/v3')}", flush=True)


def _settle(hub: EmbeddedGitHub, url: str) -> None:
    """Until every event was delivered, no job of the service is due or runs, and nothing was asked for a while."""
    seen = -1
    while seen != len(hub.requests) or not _is_idle(url):
        seen = len(hub.requests)
        hub.wait_for_deliveries()
        time.sleep(1.2)


def _is_idle(url: str, states: tuple[str, ...] = ("waiting", "running")) -> bool:
    page = requests.get(f"{url}/metrics", timeout=60).text
    return all(f'aios_bot_queue_looks{{state="{state}"}} 0' in page for state in states)


def _wait_for_ladders(url: str) -> None:
    """Until no look of the set-up is to come again: it would be counted with whatever is measured meanwhile."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline and not _is_idle(url, ("waiting", "held", "running")):
        time.sleep(1)


def _push(world: AiosWorld, old: str, new: str) -> None:
    world.edit(SERVER, INGRESS, old, new, f"{old} to {new}")


def _pull(world: AiosWorld) -> int:
    (pull,) = (one for one in world.hub.pulls(FLEET) if one.state == "open")
    return pull.number


def _carry_out(world: AiosWorld) -> None:
    """The node takes its order, and reports that all went well."""
    job = world.hub.claim_job(["self-hosted", NODE], timeout=30)
    if job is None:
        raise RuntimeError("no order came within half a minute")
    number = json.loads(base64.b64decode(json.loads(job.inputs["order"])["payload"]))["number"]
    url = f"{world.hub.url}/api/v3/repos/{FLEET}/deployments/{number}/statuses"
    log_url = f"{world.hub.url}/{FLEET}/actions/runs/{job.run_id}"
    for state in ("in_progress", "success"):
        body = {"state": state, "description": "by the bench", "log_url": log_url}
        requests.post(url, json=body, headers={"Authorization": f"Bearer {job.token}"}, timeout=30)
    world.hub.finish_job(job, "success", "")


def _open_hub(world: AiosWorld) -> None:
    """Another repository of the owner shows the fleet from now on."""
    world.hub.create_repository(HUB)
    world.hub.set_permission(HUB, PERSON, "admin")
    clone = world.checkouts / "AIOS"
    clone.mkdir()
    world.git(clone, "init", "--quiet", "--initial-branch=main")
    (clone / "README.md").write_text("# AIOS\n")
    (clone / ".github").mkdir()
    (clone / ".github/aios-hub.yml").write_text(f"fleets: [{FLEET}]\n")
    world.git(clone, "add", "--all")
    world.git(clone, "-c", "user.name=p", "-c", "user.email=p@example.com", "commit", "--quiet", "--message", "Hub")
    world.git(clone, "push", "--quiet", f"{world.hub.url}/{HUB}.git", "HEAD:main")
    world.hub.add_to_installation(world.installation, [HUB])


def _drift(world: AiosWorld, settle: Callable[[], None]) -> Cost:
    """One question to a node that is asked again and again: from its answer to the next question."""
    file = (world.checkouts / "aios-win/.github/aios-bot.yml").read_text()
    world.push(FLEET, {".github/aios-bot.yml": f"{file}drift: {{every: 8s}}\n"}, "Ask often")
    _carry_out(world)
    settle()
    world.hub.requests.clear()
    _carry_out(world)
    world.hub.claim_job(["nobody"], timeout=9)  # until it was asked again
    found = _cost("a drift question and its answer", world.hub.requests)
    world.push(FLEET, {".github/aios-bot.yml": file}, "Once a day")
    settle()
    return found


def _print(costs: list[Cost]) -> None:
    print(f"{'action':44}{'REST':>6}{'GraphQL':>9}{'git':>6}{'of budget':>11}")
    for cost in costs:
        print(f"{cost.action:44}{cost.rest:6}{cost.graphql:9}{cost.git:6}{cost.budget:11}")
    print()
    for what, requests_sent in _sums(costs).items():
        print(f"{what:96}{requests_sent:10,}")


def _sums(costs: list[Cost]) -> dict[str, int]:
    """What larger installations take, reckoned from the table."""
    known = {cost.action: cost.budget for cost in costs}
    look, drift = known["a look at one fleet, nothing new"], known["a drift question and its answer"]
    report = known["a node's report of an order"]
    bump = known["a bump, opened and annotated"] + known["a merge, to its order"]
    day = SWEEPS_A_DAY * look + NODES * drift + BUMPS_A_DAY * (bump + NODES * report)
    return {
        "1,000 fleets of one node: each six-hourly look at all of them": 1000 * look,
        "1,000 fleets of one node: the drift questions of a day": 1000 * drift,
        f"a fleet of {NODES} nodes with {BUMPS_A_DAY} merges a day to all of them: a day": day,
        f"the same: an hour, on average, of {BUDGET:,}": round(day / 24),
    }


def write_tables(page: str, costs: list[Cost]) -> str:
    """The Markdown `page` with the rows of its two tables as they are now."""
    rows = [
        [f"| {one.action} | {one.rest} | {one.graphql} | {one.git} | {one.budget} |" for one in costs],
        [f"| {what} | {requests_sent:,} |" for what, requests_sent in _sums(costs).items()],
    ]
    lines, done = page.splitlines(), 0
    for table in rows:
        first = next(at for at in range(done, len(lines)) if lines[at].startswith("|---")) + 1
        last = next(at for at in range(first, len(lines)) if not lines[at].startswith("|"))
        lines[first:last] = table
        done = first + len(table)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
