"""A node from built artifacts alone, in a bare root: it joins, deploys, recovers, is upgraded, and leaves."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from ruamel.yaml import YAML

from sandbox.engine import Engine
from sandbox.runner import Runner
from sandbox.world import FLEET, IMAGES, NODE, PERSON, SERVER
from tests.acceptance.conftest import Running
from tests.acceptance.outside import eventually
from tests.acceptance.test_new_node import as_person, empty, end_runner, runners  # noqa: F401 - a fixture
from tests.bare.roots import BareRoot, add_python, give, make_root, mounted
from tests.releases import ROOT, Place, build_next, fill, serve

pytestmark = [pytest.mark.bare, pytest.mark.timeout(3600)]  # the first run makes the roots, and builds a Python
CACHE = ROOT / ".cache/bare"
INGRESS = "stacks/ingress/docker-compose.yml"
MAX_SIZE = 24_000_000  # bytes beside Python, also those that starting it compiles left out


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("releases")
    fill(folder, "3.11", "3.13")
    build_next(folder, "v2", version="0.2.0")
    with serve(folder) as place:
        yield place


class Node(NamedTuple):
    """A machine that is to be a node: its root, its state, and the environment of its user."""

    root: BareRoot
    state: Path
    environment: dict[str, str]

    @property
    def program(self) -> Path:
        return self.state / "program"

    @property
    def current(self) -> str:
        return (self.program / "current").read_text().strip()

    def aios_bot(self, *words: str) -> str:
        done = self.root.run([str(self.program / "aios-bot"), *words], self.environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


@contextmanager
def machine(suite: str, running: Running, engine: Engine, releases: Place, *, as_root: bool) -> Iterator[Node]:
    """A root of `suite`, "bookworm"; with "+python3.11" behind it there is such a Python beside the system's."""
    name, _, beside = suite.partition("+")
    make_root(CACHE / suite, name)
    if beside:
        add_python(CACHE / suite, CACHE)
    root, folder = BareRoot(CACHE / suite, as_root), running.folder / "node"
    state, home = folder / "state", folder / "home"
    for place in (running.node_root, state, home):
        place.mkdir(parents=True)
    give(folder, root)
    socket = Path(engine.host.removeprefix("unix://"))
    socket.chmod(0o666)
    running.folder.chmod(0o755)
    socket.parent.chmod(0o755)
    environment = dict(engine.environment) | {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "AIOS_BOT_NODE_STATE": str(state),
        "AIOS_BOT_NODE_WATCH": "1",
        "PIP_INDEX_URL": releases.packages,
    }
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO"):
        environment.pop(name, None)
    if as_root:
        environment["RUNNER_ALLOW_RUNASROOT"] = "1"
    plugins = {path.resolve().parent for path in (socket.parent / "client/cli-plugins").iterdir()}
    with mounted(root, folder, socket.parent, *(place for place in plugins if place != socket.parent)):
        yield Node(root, state, environment)


class BareRunner(Runner):
    """The runner of the node: jobs run in its root, with the environment that its file `.env` hands on."""

    node: Node

    def _direct_command(self) -> list[str]:
        workflow = YAML(typ="safe").load((ROOT / "docs/examples/deploy.yml").read_text())
        step = workflow["jobs"]["deploy"]["steps"][0]["run"]
        return self.node.root.command("/bin/sh", "-e", "-c", f"set -a; . {self.node.state}/runner/.env\n{step}")


@contextmanager
def bare_runner(running: Running, node: Node) -> Iterator[Runner]:
    folder = running.folder / "work"
    folder.mkdir(exist_ok=True)
    labels = runners(running)[NODE][1]
    made = BareRunner(
        running.world.hub, labels=labels, state=node.state, environment=node.environment, folder=folder, act=""
    )
    made.node = node
    with made:
        yield made


def bump_and_merge(running: Running, old: str, new: str) -> str:
    """Change a stack, and merge the pull request that proposes it; the fleet's merged commit."""
    pushed = running.world.edit(SERVER, INGRESS, old, new, f"{old} to {new}")

    def proposed() -> int | None:
        for pull in running.outside.pulls(FLEET):
            checks = running.outside.checks(FLEET, pull["head"]["sha"])
            if running.outside.pin(FLEET, pull["head"]["sha"]) == pushed and "aios/plan" in checks:
                return int(pull["number"])
        return None

    number = eventually("the pull request with its plan", proposed, seconds=120)
    running.world.hub.merge_pull(FLEET, number, by=PERSON)
    return str(running.outside.get(f"/repos/{FLEET}/branches/main")["commit"]["sha"])


def states(running: Running, commit: str) -> list[str]:
    return running.outside.deployment_states(FLEET, commit).get(NODE, [])


def wait_for_success(running: Running, commit: str) -> None:
    eventually("the deployment", lambda: states(running, commit)[-1:] == ["success"], seconds=180)


def kill_while_it_touches(node: Node, before: int) -> None:
    """Kill the node's program with SIGKILL when its record says that it touches something."""
    record = node.state / "record.jsonl"
    deadline = time.monotonic() + 180
    while record.read_text().count('"type":"touching"') == before:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and b"\0bot\0node\0deploy" in (entry / "cmdline").read_bytes():
                os.kill(int(entry.name), signal.SIGKILL)


@pytest.mark.parametrize("as_root", [False, True], ids=["user", "root"])
@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_a_machine_becomes_a_node_and_stops_being_one(
    suite: str,
    as_root: bool,
    empty: Running,  # noqa: F811
    engine: Engine,
    releases: Place,
) -> None:
    first, second = releases.release("v1"), releases.release("v2")
    for image, version in IMAGES.items():
        engine.make_image(image, version=version)
    with machine(suite, empty, engine, releases, as_root=as_root) as node:
        add = ["node", "add", NODE, "--fleet", FLEET, "--root", str(empty.node_root), "--agent", first.url]
        command = as_person(empty, *add)
        (proposed,) = empty.outside.pulls(FLEET)
        empty.world.hub.merge_pull(FLEET, proposed["number"], by=PERSON)

        start = time.monotonic()
        joined = node.root.run(["setsid", "/bin/sh"], node.environment, given=command)
        took = time.monotonic() - start
        assert joined.returncode == 0, joined.stdout + joined.stderr
        assert node.current == first.lock
        packages = node.program / first.lock / "lib"
        size = sum(p.stat().st_size for p in packages.rglob("*") if p.suffix != ".pyc" and p.is_file())
        assert size <= MAX_SIZE
        start = time.monotonic()
        node.aios_bot("node", "--help")
        print(
            f"\n{suite}, {'root' if as_root else 'user'}: joined in {took:.1f} s, {size / 1e6:.1f} MB, "
            f"`aios-bot node --help` {time.monotonic() - start:.2f} s"
        )

        eventually("the runner", lambda: runners(empty) == {NODE: ("online", ["self-hosted", NODE])})
        merged = str(empty.outside.get(f"/repos/{FLEET}/branches/main")["commit"]["sha"])
        pinned = empty.world.git(empty.world.checkouts / "aios-win", "rev-parse", "HEAD")
        with bare_runner(empty, node):
            eventually(
                "the first deployment",
                lambda: "success" in (states(empty, merged)[-1:] + states(empty, pinned)[-1:]),
                seconds=180,
            )
            touched = (node.state / "record.jsonl").read_text().count('"type":"touching"')
            bump_and_merge(empty, "traefik:v3.1", "traefik:v3.2")
            kill_while_it_touches(node, touched)
        recovered = node.aios_bot("node", "recover")
        assert "never finished" in recovered or "put back" in recovered or "success" in recovered, recovered
        assert node.aios_bot("node", "recover").strip() == "nothing to recover"

        as_person(empty, "fleet", "agent", "--fleet", FLEET, "--agent", second.url)
        (upgrade,) = [one for one in empty.outside.pulls(FLEET) if "Run aios-bot 0.2.0" in one["title"]]
        empty.world.hub.merge_pull(FLEET, upgrade["number"], by=PERSON)
        with bare_runner(empty, node):
            commit = bump_and_merge(empty, "TRAEFIK_LOG_LEVEL: INFO", "TRAEFIK_LOG_LEVEL: DEBUG")
            wait_for_success(empty, commit)
        assert node.current == second.lock, "the order named the agent of the merged pull request"
        assert (node.program / first.lock / "whole").exists(), "the last good one is kept"

        left = node.aios_bot("node", "leave")
        assert "accepts no orders any more" in left
        assert not (node.state / "node.json").exists()
        assert empty.node_root.exists()
        end_runner(node.state / "runner/runner.pid")


@pytest.mark.parametrize("as_root", [False, True], ids=["user", "root"])
@pytest.mark.parametrize("suite", ["bullseye", "bullseye+python3.11"])
def test_a_system_with_an_older_git_is_refused_before_anything_is_changed(
    suite: str,
    as_root: bool,
    empty: Running,  # noqa: F811
    engine: Engine,
    releases: Place,
) -> None:
    with machine(suite, empty, engine, releases, as_root=as_root) as node:
        add = ["node", "add", NODE, "--fleet", FLEET, "--root", str(empty.node_root)]
        command = as_person(empty, *add, "--agent", releases.release("v1").url)
        refused = node.root.run(["setsid", "/bin/sh"], node.environment, given=command)
        assert "git 2.30.2 is too old: install 2.31 or newer" in refused.stderr
        assert refused.returncode == 1
        assert list(node.state.iterdir()) == []
        print(f"\n{suite}: {refused.stderr.strip().splitlines()[-1]}")
