"""Without systemd nothing runs Podman's health checks: the node does, as often as each container wants."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from msgspec.structs import replace

from bot.agent.doctor import PODMAN_REMEDY, run_checks
from bot.agent.state import NodeState
from bot.domain.errors import BotError
from bot.engine import podman
from bot.engine.docker import Docker
from bot.engine.podman import HealthChecks, find_podman
from bot.git.safe_git import GitAccess
from tests.unit.agent.test_health import START

SOCKET = "unix:///run/user/1000/podman/podman.sock"


class Engine:
    """An engine that says what it is, and how often its containers are to be checked."""

    host = SOCKET

    def __init__(self, folder: Path, *, name: str = "Podman", interval: str = "5000000000") -> None:
        self.environment = {"PATH": str(folder)}
        self.name, self.interval = name, interval

    def server_version(self) -> tuple[str, str]:
        return self.name, "5.4.0"

    def run(self, *arguments: str) -> str:
        assert arguments[:2] == ("container", "inspect")
        return self.interval


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without systemd, whose `podman` writes its arguments down and fails, as for an unhealthy one."""
    monkeypatch.setattr(podman, "SYSTEMD", tmp_path / "none")
    program = tmp_path / "podman"
    program.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/told\nexit 1\n')
    program.chmod(0o755)
    return tmp_path / "told"


def checks_at(told: Path, seconds: list[float], engine: Engine, health: str = "starting") -> list[str]:
    now = [0.0]
    checks = HealthChecks(cast("Docker", engine), lambda: now[0])
    for now[0] in seconds:
        checks.run_due([replace(START, health=health)])
    return told.read_text().splitlines() if told.exists() else []


def test_a_check_runs_at_once_and_then_as_often_as_it_wants(told: Path, tmp_path: Path) -> None:
    line = f"--url {SOCKET} healthcheck run 1"
    assert checks_at(told, [100, 101, 104.9, 105, 106, 110.5], Engine(tmp_path)) == [line] * 3


@pytest.mark.parametrize("interval", ["0", "null", ""])
def test_one_without_an_interval_runs_each_half_minute(told: Path, tmp_path: Path, interval: str) -> None:
    assert len(checks_at(told, [0, 29, 30, 59, 60], Engine(tmp_path, interval=interval))) == 3


def test_nothing_runs_where_something_else_runs_them(
    told: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert checks_at(told, [0], Engine(tmp_path, name="Docker Engine")) == []
    assert checks_at(told, [0], Engine(tmp_path), health="") == []
    monkeypatch.setattr(podman, "SYSTEMD", tmp_path)
    assert checks_at(told, [0], Engine(tmp_path)) == []
    monkeypatch.setattr(podman, "SYSTEMD", tmp_path / "none")
    monkeypatch.setattr(Engine, "host", "ssh://me@elsewhere")
    assert checks_at(told, [0], Engine(tmp_path)) == []


def test_a_container_that_does_not_run_is_not_checked(told: Path, tmp_path: Path) -> None:
    checks = HealthChecks(cast("Docker", Engine(tmp_path)), lambda: 0.0)
    checks.run_due([replace(START, health="starting", status="exited")])
    assert not told.exists()


def test_a_missing_client_is_told_by_the_doctor_and_ends_no_watch(told: Path, tmp_path: Path) -> None:
    (tmp_path / "podman").unlink()
    with pytest.raises(BotError, match="install the program `podman`"):
        find_podman(cast("Docker", Engine(tmp_path)))
    assert checks_at(told, [0, 60], Engine(tmp_path)) == []


def test_the_cure_for_a_podman_that_does_not_answer_is_podmans(tmp_path: Path) -> None:
    docker = Docker({"PATH": "/usr/local/bin:/usr/bin:/bin", "DOCKER_HOST": f"unix://{tmp_path}/podman.sock"})
    findings = run_checks(NodeState(tmp_path), docker, GitAccess("", None), None)
    (engine,) = [one for one in findings if one.name == "engine"]
    assert not engine.good
    assert engine.text.endswith(PODMAN_REMEDY)
