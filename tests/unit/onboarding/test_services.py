"""What starts the runner with the machine, and recovers an interrupted order before."""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from bot.domain.errors import BotError
from bot.domain.names import BranchName, NodeName, RepoName
from bot.fleetfile import Platform
from bot.onboarding.join import runner as joining
from bot.onboarding.join.runner import start_runner, stop_runner
from bot.onboarding.join.services import render_drop_in, render_task
from bot.protocol.invitation import Invitation

SPACE = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
INVITATION = Invitation(
    fleet=RepoName("acme/fleet"),
    node=NodeName("LAB"),
    platform=Platform.LINUX,
    base=BranchName("main"),
    root="/srv/fleet",
    labels=("LAB",),
    key="",
    web_url="https://github.com",
)


@pytest.mark.portable
def test_the_unit_recovers_first_waits_for_the_engine_and_starts_again() -> None:
    text = render_drop_in(
        program=PurePosixPath("/var/lib/a b/program/aios-bot"),
        state=PurePosixPath("/var/lib/a b"),
        runner=PurePosixPath("/var/lib/100%$/runner"),
    )
    lines = text.splitlines()
    assert r"ExecStartPre=-/var/lib/a\x20b/program/aios-bot node recover --state /var/lib/a\x20b" in lines
    assert "EnvironmentFile=-/var/lib/100%%$$/runner/.env" in lines
    assert "After=network-online.target docker.service" in lines
    assert "Restart=always" in lines
    assert [line for line in lines if line.startswith("[")] == ["[Unit]", "[Service]"]


@pytest.mark.portable
def test_the_task_has_no_limit_and_runs_on_battery() -> None:
    text = render_task(
        "aios-bot runner LAB",
        user=r"HOME\Ada & Bob",
        program=PureWindowsPath(r"C:\ProgramData\aios-bot-node\program\aios-bot.cmd"),
        state=PureWindowsPath(r"C:\ProgramData\aios-bot-node"),
        runner=PureWindowsPath(r"C:\runner-LAB"),
    )
    task = ET.fromstring(text.partition("\n")[2])

    def found(name: str) -> list[str | None]:
        return [element.text for element in task.iter(SPACE + name)]

    assert found("ExecutionTimeLimit") == ["PT0S"]
    assert found("DisallowStartIfOnBatteries") == found("StopIfGoingOnBatteries") == ["false"]
    assert found("UserId") == [r"HOME\Ada & Bob"] * 2
    assert found("Command") == [r"C:\ProgramData\aios-bot-node\program\aios-bot.cmd", r"C:\runner-LAB\run.cmd"]
    assert found("Arguments") == [r'node recover --state "C:\ProgramData\aios-bot-node"']
    assert found("WorkingDirectory") == [r"C:\runner-LAB"]
    assert found("RunLevel") == ["LeastPrivilege"]
    assert [element.tag for element in task.iter(SPACE + "RestartOnFailure")]
    text.encode("utf-16")


@pytest.mark.parametrize("is_installed", [True, False])
def test_without_systemd_the_program_that_is_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_installed: bool
) -> None:
    state = tmp_path / "state"
    folder, program = state / "runner", state / "program/aios-bot"
    folder.mkdir(parents=True)
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    if is_installed:
        program.parent.mkdir()
        program.touch()
    monkeypatch.setattr(joining, "_SYSTEMD", tmp_path / "none")
    said = start_runner(folder, state, INVITATION, {"PATH": "/usr/bin:/bin"})
    assert f"start these with the machine: {program if is_installed else 'aios-bot'} node recover --state" in said


def test_joining_adds_the_drop_in_and_leaving_removes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state, folder, units, told = tmp_path / "state", tmp_path / "state/runner", tmp_path / "units", tmp_path / "told"
    folder.mkdir(parents=True)
    program = state / "program/aios-bot"
    program.parent.mkdir()
    program.touch()
    (tmp_path / "bin").mkdir()
    for path in (folder / "svc.sh", tmp_path / "bin/systemctl"):
        cases = "install) echo runner.service >.service ;; is-active) echo active ;;"
        path.write_text(f'#!/bin/sh\necho {path.name} "$@" >>{told}\ncase $1 in {cases} esac\n')
        path.chmod(0o755)
    monkeypatch.setattr(joining, "_SYSTEMD", tmp_path)
    monkeypatch.setattr(joining, "_UNITS", units)
    monkeypatch.setattr(joining, "_root", list)
    environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
    said = start_runner(folder, state, INVITATION, environment)
    assert "recovers an interrupted order before it starts" in said
    drop_in = units / "runner.service.d/aios-bot.conf"
    assert f"ExecStartPre=-{program} node recover --state {state}" in drop_in.read_text()
    stop_runner(folder, INVITATION, environment)
    assert not drop_in.parent.exists()
    words = [line.split()[:2] for line in told.read_text().splitlines()]
    assert words == [
        ["svc.sh", "install"],
        ["systemctl", "daemon-reload"],
        ["svc.sh", "start"],
        ["systemctl", "is-active"],
        ["svc.sh", "stop"],
        ["svc.sh", "uninstall"],
    ]
    assert subprocess.run(["ls", units], capture_output=True, text=True, check=True).stdout == ""


def test_a_service_that_only_root_may_remove_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".service").write_text("runner.service")
    monkeypatch.setattr(joining, "_root", lambda: ["no-such-sudo"])
    with pytest.raises(BotError, match="no-such-sudo"):
        stop_runner(tmp_path, INVITATION, {"PATH": "/usr/bin:/bin"})
