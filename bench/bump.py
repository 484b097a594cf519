"""One bump, one changed stack of eight: from the delivery of the push to the finished check. `python -m bench.bump`.

Printed beside two bare scripts: one that makes only the requests that opening the pull request needs, and one of the
same effect, which also fetches both repositories, renders the changed stack before and after with compose, and shows
the difference in the pull request's text and in a status. All run against the embedded GitHub in the same run; then
again with 100 ms added to every request.
"""

from __future__ import annotations

import difflib
import statistics
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import requests

from bot.domain.names import RepoName
from bot.engine.programs import find_compose
from sandbox.github import EmbeddedGitHub
from sandbox.running import run_small_aios
from sandbox.service import Service
from sandbox.world import FLEET, PERSON, SERVER, AiosWorld

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
        script = Script(folder / "script", Path(find_compose().path))
        script.open_pull(world, "warm-up", annotated=True)
        floor = [script.open_pull(world, f"floor-{number}") for number in range(ROUNDS)]
        same = [script.open_pull(world, f"same-{number}", annotated=True) for number in range(ROUNDS)]
        hub.latency = LATENCY
        slow_floor = [script.open_pull(world, f"slow-floor-{number}") for number in range(ROUNDS)]
        slow_same = [script.open_pull(world, f"slow-same-{number}", annotated=True) for number in range(ROUNDS)]
        hub.latency = 0
        print(f"one bump, 1 changed stack of {STACKS + 3}, median of {ROUNDS} (a fresh pull request each time)\n")
        print(f"{'':44}{'wall s':>8}{'REST':>6}{'git':>6}{'of the first':>14}{'of the same':>13}")
        for how, own, bare, whole in (
            ("", loopback, floor, same),
            (f", +{LATENCY * 1000:.0f} ms a request", slow, slow_floor, slow_same),
        ):
            _print(f"aios-bot, opened and annotated{how}", own, bare, whole)
            _print(f"bare script, opened only{how}", bare, bare, whole)
            _print(f"bare script, the same effect{how}", whole, bare, whole)
        print(f"\npeak memory of the service: {_peak_memory(service):.0f} MiB")


def _make_stacks(world: AiosWorld) -> None:
    files: dict[str, str | None] = {}
    for number in range(STACKS):
        files[f"stacks/stack{number}/compose.yaml"] = COMPOSE.format(number=number)
        files[f"stacks/stack{number}/conf/web.conf"] = "a = 1\n"
    pin = world.push(SERVER, files, "Eight stacks")
    fleet = world.checkouts / FLEET.split("/")[1]
    world.git(fleet, "update-index", "--cacheinfo", f"160000,{pin},server")
    identity = ("-c", f"user.name={PERSON}", "-c", f"user.email={PERSON}@example.com")
    world.git(fleet, *identity, "commit", "--quiet", "--message", "Pin them")
    world.git(fleet, "push", "--quiet", "origin", "HEAD")


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


class Script(NamedTuple):
    """What somebody would write by hand: one request after the other, and nothing that is not needed."""

    folder: Path  # of its clones
    compose: Path

    def open_pull(self, world: AiosWorld, branch: str, *, annotated: bool = False) -> Round:
        """Open a pull request that moves the pin; close it again, which is not measured."""
        api = f"{world.hub.url}/api/v3/repos/{FLEET}"
        session = _session(world)
        tip = world.git(world.checkouts / "server", "rev-parse", "HEAD")
        world.hub.requests.clear()
        start = time.monotonic()
        repo = session.get(api).json()
        head = session.get(f"{api}/branches/{repo['default_branch']}").json()["commit"]
        session.get(f"{api}/contents/.gitmodules").json()
        pin = session.get(f"{api}/contents/server").json()["sha"]
        entry = {"path": "server", "mode": "160000", "type": "commit", "sha": tip}
        tree = {"base_tree": head["commit"]["tree"]["sha"], "tree": [entry]}
        new_tree = session.post(f"{api}/git/trees", json=tree).json()["sha"]
        commit = {"message": "bump", "tree": new_tree, "parents": [head["sha"]]}
        sha = session.post(f"{api}/git/commits", json=commit).json()["sha"]
        session.post(f"{api}/git/refs", json={"ref": f"refs/heads/{branch}", "sha": sha})
        text = self._difference(world, pin, tip) if annotated else ""
        body = {"title": "bump", "head": branch, "base": "main", "body": text}
        number = session.post(f"{api}/pulls", json=body).json()["number"]
        session.post(f"{api}/issues/{number}/labels", json={"labels": ["dependencies"]})
        if annotated:
            session.post(f"{api}/statuses/{sha}", json={"state": "success", "context": "plan"}).raise_for_status()
        seconds = time.monotonic() - start
        logged = [one for one in world.hub.requests if one.by not in ("installation", "app")]  # not the bot's
        counted = Round(seconds, sum(r.kind == "rest" for r in logged), sum(r.kind == "git" for r in logged))
        _close(world)
        return counted

    def _difference(self, world: AiosWorld, old: str, new: str) -> str:
        """What compose makes of each changed stack in `old` and in `new`, as a unified diff."""
        for name in (FLEET, SERVER):
            self._fetch(world, name)
        server = self.folder / SERVER
        changed = world.git(server, "diff", "--name-only", old, new, "--", "stacks").split()
        stacks = sorted({"/".join(path.split("/")[:2]) for path in changed})
        lines: list[str] = []
        for stack in stacks:
            before, after = (self._render(world, server, side, stack).splitlines() for side in (old, new))
            lines += difflib.unified_diff(before, after, stack, stack, lineterm="")
        return "\n".join(["```diff", *lines, "```"])

    def _fetch(self, world: AiosWorld, name: str) -> None:
        clone = self.folder / name
        address = f"http://x-access-token:{world.token}@{world.hub.url.removeprefix('http://')}/{name}.git"
        if not clone.is_dir():
            clone.parent.mkdir(parents=True, exist_ok=True)
            world.git(self.folder, "clone", "--quiet", "--no-checkout", address, str(clone))
        world.git(clone, "fetch", "--quiet", address, "main")

    def _render(self, world: AiosWorld, server: Path, commit: str, stack: str) -> str:
        world.git(server, "checkout", "--quiet", "--force", commit)
        return subprocess.run(
            [self.compose, "config"], cwd=server / stack, check=True, capture_output=True, text=True
        ).stdout


def _print(name: str, rounds: list[Round], floor: list[Round], same: list[Round]) -> None:
    wall = statistics.median(r.seconds for r in rounds)
    rest = max(r.rest for r in rounds)
    git = max(r.git for r in rounds)
    first, second = (wall / statistics.median(r.seconds for r in one) for one in (floor, same))
    print(f"{name:44}{wall:8.2f}{rest:6}{git:6}{first:13.1f}x{second:12.1f}x")


def _peak_memory(service: Service) -> float:
    """The service's own high-water mark, in MiB."""
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
