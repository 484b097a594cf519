"""The node's lock lives for as long as what the agent started works in the checkout or on the engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from bot.agent.errors import StateError
from bot.agent.state import NodeState
from bot.engine.process import run_child
from bot.git.git import run_in_checkout
from bot.settings.inherited import inherited

AGENT = """
import sys
from pathlib import Path
from bot.agent.state import NodeState
from bot.engine.process import run_child
from bot.git.git import run_in_checkout
folder = Path(sys.argv[1])
script = f"echo $$ > {folder}/pid.new; mv {folder}/pid.new {folder}/pid; exec sleep 60"
with NodeState(folder).lock():
    if sys.argv[2] == "docker":
        run_child(["sh", "-c", script], environment={}, seconds=60)
    else:
        run_in_checkout(folder, "-c", f"alias.work=!{script}", "work", environment={})
"""


def wait_for(path: Path) -> int:
    for _ in range(600):
        if path.exists():
            return int(path.read_text())
        time.sleep(0.05)
    raise AssertionError(path)


@pytest.mark.parametrize("kind", ["docker", "git"])
def test_an_agent_that_is_killed_alone_leaves_the_lock_to_what_it_started(tmp_path: Path, kind: str) -> None:
    agent = subprocess.Popen([sys.executable, "-c", AGENT, str(tmp_path), kind])
    child = wait_for(tmp_path / "pid")
    agent.kill()
    agent.wait()
    with pytest.raises(StateError, match="still being carried out"), NodeState(tmp_path).lock(timeout=0):
        pass
    os.kill(child, signal.SIGKILL)
    with NodeState(tmp_path).lock(timeout=30):
        pass


def test_a_lock_that_is_let_go_of_is_free_whatever_was_left_running(tmp_path: Path) -> None:
    with NodeState(tmp_path).lock(timeout=0):
        left = run_child(["sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!"], environment={}, seconds=30)
        run_in_checkout(tmp_path, "--version")
    try:
        assert inherited() == ()
        with NodeState(tmp_path).lock(timeout=0):
            assert len(inherited()) == 1
    finally:
        os.kill(int(left.out), signal.SIGKILL)


def test_an_agent_of_an_older_version_is_kept_out_and_keeps_out(tmp_path: Path) -> None:
    """It takes the lock by a library, which this one does without."""
    older = FileLock(tmp_path / "lock", timeout=0)
    with NodeState(tmp_path).lock(timeout=0), pytest.raises(Timeout):
        older.acquire()
    with older, pytest.raises(StateError, match="still being carried out"), NodeState(tmp_path).lock(timeout=0.1):
        pass
    with NodeState(tmp_path).lock(timeout=0):
        pass
