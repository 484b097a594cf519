"""`python -m sandbox demo`, unattended: it succeeds only if the node runs what was merged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bot.settings.environment import child_environment


def run_demo(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox", "demo"],
        env=child_environment() | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


def test_without_a_terminal_it_merges_by_itself_and_the_node_runs_it() -> None:
    done = run_demo()
    assert done.returncode == 0, done.stdout + done.stderr
    for step in ("push to server", "pull request #1", "check aios/plan", "merged", "deployment success", "done"):
        assert step in done.stdout
    (traefik,) = [line for line in done.stdout.splitlines() if line.strip().startswith("ingress-traefik-1")]
    assert "traefik:v3.2" in traefik
    assert "(healthy)" in traefik


def test_without_an_engine_it_ends_with_the_order(tmp_path: Path) -> None:
    folder = tmp_path / ("too-long-for-an-engines-sockets-" * 3)
    folder.mkdir()
    done = run_demo(TMPDIR=str(folder), DOCKER_HOST="unix:///nowhere.sock")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "none, so the demo ends with the order" in done.stdout
    assert "order to the node" in done.stdout
    assert "there is no engine to carry it out" in done.stderr
