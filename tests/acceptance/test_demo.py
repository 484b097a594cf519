"""`python -m sandbox demo`, unattended: the node runs what was merged, and nothing of the demo stays anywhere.

More moments at which a signal ends it: `make verify-demo`.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from bot.settings.environment import child_environment
from sandbox.engine import Engine

ROUNDS = int(os.environ.get("AIOS_BOT_DEMO_ROUNDS", "1"))  # of each signal
LIMIT = 600  # seconds of one demo, on a loaded machine
LINES = 14  # that an unattended demo prints until its change is deployed, about

MINE = """\
services:
  traefik:
    image: traefik:v3.1
    networks: [ingress]
    volumes: [certificates:/certificates]
    stop_grace_period: 1s
networks:
  ingress:
    name: ingress
volumes:
  certificates:
"""
"""What somebody runs already, under the names that the demo's own stacks have."""


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for temporary files with a short name: sockets below it have a length limit."""
    folder = Path(tempfile.mkdtemp(prefix="d-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def mine(engine: Engine, tmp_path: Path) -> Engine:
    """The engine of a machine that runs a project `ingress` with `traefik`."""
    engine.make_image("traefik:v3.1", version="mine")
    folder = tmp_path / "ingress"
    folder.mkdir()
    (folder / "compose.yaml").write_text(MINE)
    engine.docker("compose", "--project-directory", str(folder), "up", "--detach")
    return engine


def everything(engine: Engine) -> list[list[str]]:
    """All containers, images, volumes and networks."""
    listings = (
        ("ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}} {{.Image}} {{.State}}"),
        ("images", "--all", "--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"),
        ("volume", "ls", "--format", "{{.Name}}"),
        ("network", "ls", "--no-trunc", "--format", "{{.ID}} {{.Name}}"),
    )
    return [sorted(engine.docker(*listing).splitlines()) for listing in listings]


def start_demo(environment: Mapping[str, str], *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "sandbox", "demo", *options],
        env=child_environment() | dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run_demo(environment: Mapping[str, str], *options: str) -> tuple[int, str]:
    """Exit status and output of a whole demo."""
    process = start_demo(environment, *options)
    output, _ = process.communicate(timeout=LIMIT)
    return process.returncode, output


def end_demo(process: subprocess.Popen[str], number: signal.Signals, *, lines: int) -> str:
    """Send the signal some time after as many lines of output; the whole output."""
    assert process.stdout is not None
    seen = [line for _, line in zip(range(lines), process.stdout, strict=False)]
    time.sleep(random.uniform(0, 2))
    process.send_signal(number)
    rest, _ = process.communicate(timeout=LIMIT)
    return "".join([*seen, rest])


def test_the_node_runs_what_was_merged_and_the_machines_engine_is_not_touched(mine: Engine, temporary: Path) -> None:
    before = everything(mine)
    status, output = run_demo(mine.environment | {"TMPDIR": str(temporary)})
    assert status == 0, output
    for step in ("first deploy           6 services changed", "push to server", "pull request #2", "merged", "done"):
        assert step in output
    assert "1 recreated, 5 untouched" in output
    assert "6 created" in output
    (traefik,) = [line for line in output.splitlines() if line.strip().startswith("ingress-traefik-1")]
    assert "traefik:v3.2" in traefik
    assert "(healthy)" in traefik
    assert "/plans/" in output
    assert "/fleets/" in output
    assert everything(mine) == before
    assert list(temporary.iterdir()) == []


def test_with_a_persons_word_it_uses_their_engine_and_leaves_nothing_in_it(mine: Engine, temporary: Path) -> None:
    before = everything(mine)
    status, output = run_demo(mine.environment | {"TMPDIR": str(temporary)}, "--on-my-engine")
    assert status == 0, output
    assert "1 recreated, 5 untouched" in output
    assert any("-ingress-traefik-1" in line and "/traefik:v3.2" in line for line in output.splitlines())
    assert everything(mine) == before
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM] * ROUNDS)
def test_a_signal_at_any_moment_leaves_nothing(mine: Engine, temporary: Path, number: signal.Signals) -> None:
    before = everything(mine)
    lines = random.randrange(LINES)
    process = start_demo(mine.environment | {"TMPDIR": str(temporary)}, "--on-my-engine")
    output = end_demo(process, number, lines=lines)
    interrupted = {130, 128 + number} | ({-number} if not output else set())  # Python itself was still starting
    assert process.returncode in interrupted, f"after {lines} lines: {output}"
    assert everything(mine) == before, f"after {lines} lines: {output}"
    assert list(temporary.iterdir()) == []


def test_the_next_demo_removes_what_a_killed_one_left(mine: Engine, temporary: Path) -> None:
    before = everything(mine)
    environment = mine.environment | {"TMPDIR": str(temporary)}
    end_demo(start_demo(environment, "--on-my-engine"), signal.SIGKILL, lines=10)
    assert everything(mine) != before
    output = end_demo(start_demo(environment, "--on-my-engine"), signal.SIGTERM, lines=2)
    assert "was killed, and is removed" in output
    assert everything(mine) == before
    assert list(temporary.iterdir()) == []


def test_without_an_engine_it_ends_with_the_order(tmp_path: Path) -> None:
    folder = tmp_path / ("too-long-for-an-engines-sockets-" * 3)
    folder.mkdir()
    status, output = run_demo({"TMPDIR": str(folder), "DOCKER_HOST": "unix:///nowhere.sock"})
    assert status == 1, output
    assert "none, so the demo ends with the order" in output
    assert "order to the node" in output
    assert "there is no engine to carry it out" in output


def test_with_a_word_for_an_engine_that_is_not_there_it_says_so(temporary: Path) -> None:
    environment = {"TMPDIR": str(temporary), "DOCKER_HOST": "unix:///nowhere.sock"}
    status, output = run_demo(environment, "--on-my-engine")
    assert status == 1
    assert "no Docker Engine answers here" in output
    assert "Traceback" not in output
    assert list(temporary.iterdir()) == []
