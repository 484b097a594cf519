"""Cases of tests/cases: two states of a stacks repository, planned, deployed by a node, and brought up by compose.

A case is a folder: `old/` and `new/` are the two states; `local/` holds files that stand on the node alone, `fleet/`
those of the fleet's repository, `modules/old` and `modules/new` repositories that the stacks pin as submodules, and
`pre.sh` is run before the old state is brought up. `expect.toml` says what is right, and `engine.json` is what
`docker compose up --detach` did by itself, per version of compose: `python -m tests.cases_world` writes it.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bot.agent.by_hand import deploy_by_hand
from bot.agent.health import HealthTimeouts
from bot.agent.node import LocalNode
from bot.agent.state import NodeState
from bot.domain.errors import BotError
from bot.domain.names import CommitSha, DeploymentId
from bot.engine.docker import Docker
from bot.engine.programs import ComposeProgram, find_compose
from bot.fleetfile import parse_fleet
from bot.git.safe_git import GitAccess
from bot.plan.model import Plan
from bot.protocol.order import Order
from bot.protocol.outcome import Outcome, render_outcome
from sandbox.engine import Engine, start_engine
from tests.engine import empty
from tests.gitworld import commit, git, new_repository

CASES = Path(__file__).parent / "cases"
VERSIONS = ("2.40.3", "5.6.1")  # of compose, as `tools/setup test` installs them
NEWER_COMPOSE = Path(__file__).parents[1] / ".tools/compose5/bin/docker-compose"
IMAGES = ("busybox:1", "busybox:2", "app:1", "app:2", "postgres:16")
FLEET_FILE = "version: 1\nsubmodules:\n  server: {}\nnodes:\n  HP: {}\n"
QUICK = HealthTimeouts(samples=3, interval=0.2, limit=20)


_AS_SEEN = {"rebuild": "recreate", "reload": "none"}


@cache
def composes() -> dict[str, ComposeProgram]:
    """The versions of compose that `tools/setup test` installs: that of the Python environment, and a newer one."""
    found = {one.version: one for one in (find_compose(), find_compose([NEWER_COMPOSE]))}
    assert sorted(found) == sorted(VERSIONS), "`tools/setup test` installs them"
    return found


def all_cases() -> list[str]:
    """The names of all cases, sorted."""
    return sorted(path.name for path in CASES.iterdir() if path.is_dir())


class Expectation(NamedTuple):
    """What is right for a case, written from what the engine did."""

    plan: dict[str, str]  # "project/service" -> action
    told: tuple[str, ...]  # what the plan's body says besides
    untold: tuple[str, ...]  # what it must not say
    node: tuple[str, ...]  # how the node's order may end
    changes: dict[str, str] | None  # what happens to containers then; None: whatever it takes to put back what ran


def read_expectation(case: str) -> Expectation:
    """The expectation of `case`."""
    found = tomllib.loads((CASES / case / "expect.toml").read_text())
    plan = found["plan"]
    done = {name: _AS_SEEN.get(action, action) for name, action in plan.items()}
    seen = {"none": dict.fromkeys(plan, "none"), "any": None, "planned": found.get("seen", done)}
    return Expectation(
        plan=plan,
        told=tuple(found.get("told", ())),
        untold=tuple(found.get("untold", ())),
        node=tuple(found.get("node", ("success",))),
        changes=seen[found.get("changes", "planned")],
    )


def _repository(root: Path, name: str) -> Path:
    return new_repository(root / "work/owner" / f"{name}.git")


class CaseWorld:
    """The repositories of one case, and a checkout of the fleet, below `root`."""

    def __init__(self, case: str, root: Path) -> None:
        self.case, self.root = CASES / case, root
        self.server, self.fleet = _repository(root, "server"), _repository(root, "fleet")
        self.checkout = root / "node"
        self.modules = {path.name: _repository(root, path.name) for path in self._modules("old")}
        self.old_pin = self._commit("old")
        modules = '[submodule "server"]\n\tpath = server\n\turl = ../server.git\n'
        _replace(self.fleet, self.case / "fleet")
        files = {".gitmodules": modules}
        if not (self.fleet / ".github/aios-bot.yml").exists():
            files[".github/aios-bot.yml"] = FLEET_FILE
        git(self.fleet, "add", "--all")
        self.old = commit(self.fleet, files, pins={"server": self.old_pin})
        self._clone()
        self.new_pin = self._commit("new")
        self.new = commit(self.fleet, {}, pins={"server": self.new_pin})

    @property
    def variables(self) -> Mapping[str, str]:
        """What the fleet file sets for the node: a person sets it in the shell."""
        return parse_fleet((self.fleet / ".github/aios-bot.yml").read_text()).nodes[0].variables

    def _modules(self, side: str) -> list[Path]:
        folder = self.case / "modules" / side
        return sorted(folder.iterdir()) if folder.exists() else []

    def _commit(self, side: str) -> CommitSha:
        _replace(self.server, self.case / side)
        git(self.server, "add", "--all")
        pins = {}
        for folder in self._modules(side):
            work = self.modules[folder.name]
            _replace(work, folder)
            git(work, "add", "--all")
            (path,) = git(self.server, "config", "--file", ".gitmodules", "--get-regexp", "path").split()[1::2]
            pins[path] = commit(work, {})
        return commit(self.server, {}, pins=pins)

    def _clone(self) -> None:
        clone = ("clone", "--quiet", "--recurse-submodules", self.fleet.as_uri(), str(self.checkout))
        git(self.root, "-c", "protocol.file.allow=always", *clone)
        local = self.case / "local"
        if local.exists():
            shutil.copytree(local, self.checkout / "server", dirs_exist_ok=True)

    def plan(self, program: ComposeProgram) -> Plan:
        """The plan of a person who has the new state before them, and compose `program`."""
        from bot.planner.renderer import Renderer
        from tests.plans import read_local_plan

        git(self.checkout / "server", "fetch", "--quiet", "origin")
        return read_local_plan(
            repo=self.checkout,
            submodule="server",
            old=self.old_pin,
            new=self.new_pin,
            fleet_file=None,
            renderer=Renderer(cache_root=self.root / "cache", secret_key=b"cases", program=program),
        )

    def check_out_new(self) -> None:
        """Move the checkout to the new state, as a person would."""
        git(self.checkout, "fetch", "--quiet", "origin")
        git(self.checkout, "checkout", "--quiet", "--detach", self.new)
        git(self.checkout, "-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--recursive")

    def folders(self, side: str) -> dict[str, Path]:
        """The stacks of one state: their names, and their folders in the checkout."""
        state = self.case / side
        found = {path.parent for path in state.rglob("compose.yaml")}
        return {
            str(folder.relative_to(state)): self.checkout / "server" / folder.relative_to(state) for folder in found
        }


def some_runs(names: Sequence[str], most: int, *, seed: int) -> list[tuple[str, str]]:
    """`most` of all pairs of a case and a version of compose, by chance, with every version as often as another."""
    drawn = random.Random(seed)
    runs: list[tuple[str, str]] = []
    for at, version in enumerate(VERSIONS):
        share = min(len(names), (most + at) // len(VERSIONS))
        runs += [(name, version) for name in drawn.sample(sorted(names), share)]
    return sorted(runs)


class Engines(NamedTuple):
    """An engine, and the compose that people call on it."""

    engine: Engine
    compose: Path

    def up(self, world: CaseWorld, side: str) -> str:
        """`docker compose up --detach` by hand in each stack, in their order; the first error, "" for none."""
        for _, folder in sorted(world.folders(side).items()):
            done = subprocess.run(
                [self.compose, "up", "--detach"],
                cwd=folder,
                env={**self.environment(world), **world.variables},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                text=True,
                timeout=120,
            )
            if done.returncode != 0:
                return re.sub(r"[0-9a-f]{64}", "ID", done.stderr.strip().splitlines()[-1])
        return ""

    def prepare(self, world: CaseWorld) -> None:
        """Images, and what the case wants to be there before."""
        for name in IMAGES:
            if name not in self.engine.docker("images", "--format", "{{.Repository}}:{{.Tag}}").split():
                self.engine.make_image(name, version=name)
        script = world.case / "pre.sh"
        if script.exists():
            subprocess.run(["sh", str(script)], env=self.environment(world), check=True)

    def environment(self, world: CaseWorld) -> dict[str, str]:
        """What docker gets: the engine's address, and the programs that the case brings along."""
        programs = {"PATH": f"{world.case / 'bin'}:{os.environ['PATH']}"}
        return self.engine.environment | programs

    def look(self) -> dict[str, tuple[str, str]]:
        """Id and start time of each compose container, by "project/service"."""
        time.sleep(0.5)  # what compose left behind when it failed is still being removed
        ids = self.engine.docker("ps", "--all", "--quiet", "--filter", "label=com.docker.compose.project").split()
        label = '{{index .Config.Labels "com.docker.compose.%s"}}'
        form = "|".join([label % "project", label % "service", "{{.Id}}", "{{.State.StartedAt}}"])
        lines = self.engine.docker("inspect", "--format", form, *ids).splitlines() if ids else []
        rows = (line.split("|") for line in lines)
        return {f"{project}/{service}": (container, started) for project, service, container, started in rows}


def changes(before: Mapping[str, tuple[str, str]], after: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """What happened to each container, in the words of actions."""
    found = {}
    for name in sorted({*before, *after}):
        was, now = before.get(name), after.get(name)
        if was and now:
            found[name] = "recreate" if was[0] != now[0] else "restart" if was[1] != now[1] else "none"
        else:
            found[name] = "create" if now else "remove"
    return found


def compose_by_itself(world: CaseWorld, engines: Engines) -> dict[str, Any]:
    """Bring up the old state, check out the new one, bring it up too: what compose did."""
    engines.prepare(world)
    engines.up(world, "old")
    before = engines.look()
    world.check_out_new()
    problem = engines.up(world, "new")
    found: dict[str, Any] = {"changes": changes(before, engines.look())}
    return found | ({"error": problem} if problem else {})


class _Silent:
    """A deploy by hand posts nothing."""

    def post(self, deployment: DeploymentId, state: str, description: str) -> None:
        pass

    def report(self, order: Order, outcome: Outcome) -> None:
        pass

    def is_withdrawn(self, deployment: DeploymentId) -> bool:  # noqa: ARG002 - the protocol's signature
        return False


def deploy_case(world: CaseWorld, engines: Engines) -> tuple[str, dict[str, str], list[str]]:
    """Bring up the old state by hand, and have a node deploy the new one: its end, what changed, and its log."""
    engines.prepare(world)
    engines.up(world, "old")
    before = engines.look()
    log: list[str] = []
    state = NodeState(world.root / "state")
    key = world.root / "orders.pub.pem"
    public = Ed25519PrivateKey.generate().public_key()
    key.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    state.trust(key, fleet="owner/fleet", node="HP", root=str(world.checkout))
    node = LocalNode(
        state=state,
        docker=Docker(engines.environment(world), log=log.append),
        access=GitAccess((world.root / "work").as_uri(), None),
        sink=_Silent(),
        now=time.time,
        log=log.append,
        root=world.checkout,
        timeouts=QUICK,
    )
    try:
        _, outcome = deploy_by_hand(node, commit=world.new, submodule="server", base="main")
    except BotError as problem_found:
        return "untouched", changes(before, engines.look()), [*log, str(problem_found)]
    assert outcome is not None
    return str(outcome.end), changes(before, engines.look()), [*log, render_outcome(outcome)]


def _replace(work: Path, state: Path) -> None:
    """Make the work tree hold what `state` holds, links as links."""
    for path in work.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    if state.exists():
        # With times of their own: git takes a file of the same size and time for unchanged.
        shutil.copytree(state, work, dirs_exist_ok=True, symlinks=True, copy_function=shutil.copy)


def record(names: list[str]) -> None:
    """Write what each compose of the set-up does in each case to its engine.json, beside other versions' entries."""
    with tempfile.TemporaryDirectory(prefix="aios-cases-") as folder, start_engine(Path(folder) / "e") as engine:
        for name, program in itertools.product(names or all_cases(), composes().values()):
            world = CaseWorld(name, Path(folder) / program.version / name)
            found = compose_by_itself(world, Engines(engine.with_compose(program.path), program.path))
            empty(engine)
            file = CASES / name / "engine.json"
            known = json.loads(file.read_text()) if file.exists() else {}
            known[program.version] = found
            file.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")
            print(name, program.version, json.dumps(found), flush=True)


if __name__ == "__main__":
    record(sys.argv[1:])
