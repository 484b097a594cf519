"""Disks that fill up, ports that are taken, an engine that stops, a healthcheck that fails later: on real ones."""

from __future__ import annotations

import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.agent.checkout import CheckoutPosition
from bot.agent.health import HealthTimeouts
from bot.agent.space import MINIMUM_SPACE, MinimumSpace
from bot.agent.state import find_unfinished
from bot.protocol.action import Action
from bot.protocol.outcome import FailureReason, OrderEnd, Outcome
from sandbox.engine import start_engine
from tests.nodeworld import CREATE_ALL, IMAGES, NodeWorld, make_world, server_files

AGAIN = {"ingress": {"traefik": Action.RECREATE, "whoami": Action.NONE}, "secrets": {"vault": Action.NONE}}
MIB = 1024**2


def ports(world: NodeWorld, port: int) -> dict[str, str | None]:
    files = server_files(world.prefix, traefik="traefik:2")
    name = "stacks/ingress/docker-compose.yml"
    published = f"    ports: ['127.0.0.1:{port}:8080']\n    command:"
    return files | {name: (files[name] or "").replace("    command:", published)}


def assert_first_version_runs(world: NodeWorld, position: CheckoutPosition | None) -> None:
    assert world.version("ingress/traefik") == "traefik:1"
    assert world.checkout_position() == position


def test_a_port_that_another_container_holds_stops_nothing(node_world: NodeWorld) -> None:
    world = node_world
    position, containers = world.checkout_position(), world.containers()
    holder = world.engine.docker("run", "--detach", "--publish", "127.0.0.1:18080:8080", "whoami:1")
    outcome = world.deploy(world.order(world.push(ports(world, 18080)), AGAIN))
    world.engine.docker("rm", "--force", holder)
    assert (outcome.end, outcome.failure) == (OrderEnd.UNTOUCHED, FailureReason.PORT), outcome
    assert f"port 127.0.0.1:18080/tcp of {world.project('ingress')}/traefik is held by the container" in outcome.text
    assert world.containers() == containers
    assert_first_version_runs(world, position)


def test_a_port_that_a_program_holds_is_found_by_the_engine_and_everything_is_put_back(node_world: NodeWorld) -> None:
    """The engine of the tests lives in a network of its own, where the node cannot look."""
    world = node_world
    position = world.checkout_position()
    holder = world.engine.docker("run", "--detach", "--network", "host", "whoami:1", "nc", "-l", "-p", "18081")
    outcome = world.deploy(world.order(world.push(ports(world, 18081)), AGAIN))
    world.engine.docker("rm", "--force", holder)
    assert (outcome.end, outcome.failure) == (OrderEnd.ROLLED_BACK, FailureReason.APPLY), outcome
    assert "18081" in outcome.text
    assert_first_version_runs(world, position)


def test_a_healthcheck_that_fails_after_a_while(node_world: NodeWorld) -> None:
    world = node_world
    position = world.checkout_position()
    world.timeouts = HealthTimeouts(samples=8, interval=0.5, limit=60)
    later = "{test: [CMD, sh, -c, 'test ! -f /tmp/sick'], interval: 500ms, timeout: 5s, retries: 1}"
    command = "[sh, -c, 'sleep 2; touch /tmp/sick; sleep 600']"
    at = world.push(server_files(world.prefix, traefik="traefik:2", healthcheck=later, command=command))
    outcome = world.deploy(world.order(at, AGAIN))
    assert (outcome.end, outcome.failure) == (OrderEnd.ROLLED_BACK, FailureReason.UNHEALTHY), outcome
    assert "its healthcheck fails" in outcome.text
    assert_first_version_runs(world, position)


@pytest.fixture
def small_disk(empty_node: tuple[NodeWorld, CheckoutPosition]) -> Iterator[NodeWorld]:
    """A node that runs the first version, and whose checkout lies on a file system of 24 MiB."""
    world, first = empty_node
    image = world.folder / "disk.img"
    with image.open("wb") as file:
        file.truncate(24 * MIB)
    world.root.mkdir()
    make, mount = ["mkfs.ext4", "-q", "-O", "^has_journal", str(image)], ["mount", "-o", "loop", str(image)]
    for command in (make, [*mount, str(world.root)]):
        subprocess.run(command, check=True, env={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"})
    try:
        (world.root / "lost+found").rmdir()
        world.minimum_space = MinimumSpace(files=0, engine=0)
        assert world.deploy(world.order(first, CREATE_ALL)).end is OrderEnd.SUCCESS
        yield world
    finally:
        subprocess.run(["umount", world.root], check=True)


def test_a_full_disk(small_disk: NodeWorld) -> None:
    world = small_disk
    position, containers = world.checkout_position(), world.containers()
    kept = {"notes.txt": b"a person's\x00", "server/stacks/secrets/acme/acme.json": b"{}"}
    for name, content in kept.items():
        (world.root / name).write_bytes(content)

    def deploy(files: dict[str, str | None]) -> Outcome:
        return world.deploy(world.order(world.push(server_files(world.prefix, traefik="traefik:2") | files), AGAIN))

    world.minimum_space = MINIMUM_SPACE
    outcome = deploy({})
    assert (outcome.end, outcome.failure) == (OrderEnd.UNTOUCHED, FailureReason.DISK), outcome
    assert f"free at {world.root}, and 100 MiB are needed: make room there" in outcome.text
    # Now it fills up in the middle: small to fetch, large on the disk, and after the file that is mounted.
    world.minimum_space = MinimumSpace(files=0, engine=0)
    outcome = deploy({"stacks/ingress/zeros": "0" * 60 * MIB, "stacks/ingress/dynamic/headers.yml": "half\n"})
    assert (outcome.end, outcome.failure) == (OrderEnd.ROLLED_BACK, FailureReason.CHECKOUT), outcome
    assert world.containers() == containers
    assert_first_version_runs(world, position)
    assert (world.root / "server/stacks/ingress/dynamic/headers.yml").read_text() == "one\n"
    assert not (world.root / "server/stacks/ingress/zeros").exists()
    assert {name: (world.root / name).read_bytes() for name in kept} == kept
    outcome = deploy({"stacks/ingress/zeros": None})
    assert outcome.end is OrderEnd.SUCCESS, outcome


@pytest.fixture
def root() -> Iterator[Path]:
    """Where an engine keeps its things from one start to the next."""
    with tempfile.TemporaryDirectory(prefix="aios-stop-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def test_an_engine_that_stops_in_the_middle(tmp_path: Path, root: Path) -> None:
    """It comes back while the order waits for it, and the old version runs again; or the next start does it."""
    bad = "[sh, -c, 'sleep 4; exit 3']"  # long enough to be watched while the engine goes
    with start_engine(root, keep=True) as engine:
        for name in IMAGES:
            engine.make_image(name, version=name)
        world, first = make_world(tmp_path, engine, "t", server_files("t"))
        assert world.deploy(world.order(first, CREATE_ALL)).end is OrderEnd.SUCCESS
        at = world.push(server_files("t", traefik="traefik:2", command=bad, headers="two"))
        outcomes: list[Outcome] = []
        world.timeouts = HealthTimeouts(samples=20, interval=0.2, limit=60, engine=120)
        thread = threading.Thread(target=lambda: outcomes.append(world.deploy(world.order(at, AGAIN))))
        world.told.clear()
        thread.start()
        _wait_until_told(world, "- apply ingress", thread)
    with start_engine(root, keep=True):  # the same engine, started again
        thread.join(240)
        (outcome,) = outcomes
        assert outcome.end is OrderEnd.ROLLED_BACK, (outcome, world.told)
        assert_first_version_runs(world, first)
        world.timeouts = HealthTimeouts(samples=20, interval=0.2, limit=60, engine=0)
        thread = threading.Thread(target=lambda: outcomes.append(world.deploy(world.order(at, AGAIN))))
        world.told.clear()
        thread.start()
        _wait_until_told(world, "- apply ingress", thread)
    thread.join(240)
    assert outcomes[-1].end is OrderEnd.FAILED, outcomes
    assert "the Docker Engine cannot be reached" in outcomes[-1].text
    assert find_unfinished(world.state.read_record()) is not None
    world.timeouts = HealthTimeouts(samples=3, interval=0.2, limit=60)
    with start_engine(root):
        last = world.deploy(world.order(first, {"ingress": {"traefik": Action.NONE}}))
        assert last.interrupted is not None
        assert last.end is OrderEnd.SUCCESS, (last, world.told)
        assert_first_version_runs(world, first)


def _wait_until_told(world: NodeWorld, line: str, thread: threading.Thread) -> None:
    from tests.acceptance.outside import eventually

    eventually(line, lambda: line in world.told or not thread.is_alive(), seconds=120)
    assert thread.is_alive(), world.told
