"""The sandbox's Docker Engine: real, separate from the machine's, and removed afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.engine.docker import Docker
from sandbox.engine import MAX_ROOT_LENGTH, Engine, EngineError, find_engine, start_engine
from tests.engine import empty


def test_images_differ_by_version_and_reach_each_other_by_name(engine: Engine) -> None:
    old, new = engine.make_image("web:1", version="one"), engine.make_image("web:2", version="two")
    assert old != new
    engine.docker("network", "create", "front")
    engine.docker("run", "-d", "--name", "web", "--network", "front", "web:2", "--any-flag")
    fetched = engine.docker("run", "--rm", "--network", "front", "web:1", "wget", "-qO-", "http://web:8080/version")
    assert fetched == "two"
    assert engine.docker("logs", "web") == "version two --any-flag"
    engine.docker("rm", "-f", "web")
    engine.docker("network", "rm", "front")


def test_compose_is_available(engine: Engine) -> None:
    assert engine.docker("compose", "version", "--short").startswith("2.")
    assert Docker(engine.environment).compose_version().removeprefix("v") == engine.docker(
        "compose", "version", "--short"
    )


@pytest.fixture
def root() -> Iterator[Path]:
    """A short one: pytest's own paths are too long for sockets."""
    with tempfile.TemporaryDirectory(prefix="aios-second-") as name:
        yield Path(name)


def test_two_engines_share_nothing_and_leave_no_trace(engine: Engine, root: Path) -> None:
    with start_engine(root) as second:
        second.make_image("only:here")
        for one in (engine, second):
            one.make_image("web:1")
            one.docker("run", "-d", "--name", "port", "-p", "80:8080", "web:1")
        assert "only" not in engine.docker("images")
        assert (root / "data").exists()
    engine.docker("rm", "-f", "port")
    assert not (root / "data").exists()
    mounts = Path("/proc/self/mounts").read_text()
    processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, check=True).stdout.decode()
    assert str(root) not in mounts
    assert str(root) not in processes


def test_a_container_whose_supervisor_hangs_is_removed_by_a_restart(root: Path) -> None:
    with start_engine(root) as second:
        second.make_image("web:1")
        container = second.docker("run", "-d", "--restart", "always", "web:1")
        found = subprocess.run(["pgrep", "-f", f"containerd-shim.*{container}"], capture_output=True, check=True)
        for process in found.stdout.split():
            os.kill(int(process), signal.SIGSTOP)
        with pytest.raises(EngineError, match="docker rm did not end within 3"):
            second.docker("rm", "-f", container, timeout=3)
        empty(second, timeout=3)
        assert second.docker("ps", "-aq") == ""
        assert "web" in second.docker("images")


def test_too_long_a_root_is_refused_with_a_cure() -> None:
    root = Path("/tmp/" + "x" * 80)
    with pytest.raises(EngineError, match=f"under {MAX_ROOT_LENGTH} characters"), start_engine(root):
        pass


def test_the_machines_own_engine_is_found_where_the_environment_points(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine.host)
    found = find_engine()
    assert found is not None
    assert found.host == engine.host
    assert found.docker("info", "--format", "{{.ID}}") == engine.docker("info", "--format", "{{.ID}}")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    assert find_engine() is None
