"""Registering a runner: all of it, or nothing that stays registered."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bot.agent.state import NodeState
from bot.domain.errors import BotError
from bot.domain.names import BranchName, NodeName, RepoName
from bot.fleetfile import Platform
from bot.onboarding.join import runner as joining
from bot.onboarding.join.node import NodeJoin
from bot.protocol.invitation import Invitation

CONFIG = """\
if [ "$1" = remove ]; then
  [ ! -e .service ] || { echo "Uninstall service first"; exit 1; }
  [ -e allowed ] || exit 1
  rm .runner
else
  touch .runner
fi
"""
SERVICE = """\
case $1 in
  install) echo runner.service >.service ;;
  stop) exit 1 ;;
  uninstall) rm .service ;;
esac
"""


class Machine:
    """A machine with systemd whose programs write their names and arguments to `told`."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.bin, self.runner = folder, folder / "bin", folder / "state/runner"
        self.told, self.log = folder / "told", list[str]()
        self.bin.mkdir()
        self.runner.mkdir(parents=True)
        (self.runner / "allowed").touch()
        self.put(self.runner / "config.sh", CONFIG)
        self.put(self.runner / "svc.sh", SERVICE)
        self.put(self.bin / "sudo", 'exec "$@"')
        self.put(self.bin / "systemctl", "echo active")
        monkeypatch.setattr(joining, "_SYSTEMD", folder)
        monkeypatch.setattr(joining, "_UNITS", folder / "units")
        monkeypatch.setattr(joining.os, "geteuid", lambda: 1000)  # type: ignore[attr-defined]  # the module's own os
        monkeypatch.setattr(time, "sleep", lambda _: None)

    def put(self, path: Path, script: str) -> None:
        path.write_text(f'#!/bin/sh\necho {path.name} "$1" >>{self.told}\n{script}\n')
        path.chmod(0o755)

    def register(self) -> None:
        invitation = Invitation(
            fleet=RepoName("acme/fleet"),
            node=NodeName("LAB"),
            platform=Platform.LINUX,
            base=BranchName("main"),
            root=str(self.folder / "root"),
            labels=("LAB",),
            key="",
            web_url="https://github.com",
            token="AAAA-TOKEN",
        )
        environment = {"PATH": f"{self.bin}:/usr/bin:/bin"}
        NodeJoin(invitation, NodeState(self.folder / "state"), environment, self.log.append).register_runner()

    def calls(self) -> list[str]:
        return self.told.read_text().splitlines() if self.told.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_a_service_that_runs_is_registered(machine: Machine) -> None:
    machine.register()
    assert (machine.runner / ".runner").exists()
    assert "systemctl is-active" in machine.calls()


@pytest.mark.parametrize("state", ["failed", "activating"])
def test_a_service_that_does_not_run_is_taken_back(machine: Machine, state: str) -> None:
    """`config.sh remove` refuses as long as there is a service, and `svc.sh stop` fails where nothing runs."""
    machine.put(machine.bin / "systemctl", f"echo {state}")
    with pytest.raises(BotError, match=rf"runner.service does not run \({state}\): `journalctl -u runner.service`"):
        machine.register()
    assert machine.calls()[-3:] == ["sudo ./svc.sh", "svc.sh uninstall", "config.sh remove"]
    assert not (machine.runner / ".runner").exists()
    assert machine.log[-1] == "note the runner is not registered any more"


def test_a_failed_sudo_takes_the_registration_back(machine: Machine) -> None:
    machine.put(machine.bin / "sudo", '[ "$1" = true ] || exit 1')
    with pytest.raises(BotError, match=r"`sudo ./svc.sh install .*` in .* failed"):
        machine.register()
    assert not (machine.runner / ".runner").exists()


def test_what_github_does_not_take_back_is_said_with_its_place(machine: Machine) -> None:
    (machine.runner / "allowed").unlink()
    machine.put(machine.bin / "systemctl", "echo failed")
    with pytest.raises(BotError, match="does not run"):
        machine.register()
    assert machine.log[-1].startswith("note LAB is still registered (config.sh exited with 1")
    assert machine.log[-1].endswith("remove it at https://github.com/acme/fleet/settings/actions/runners")


@pytest.mark.parametrize(("sudo", "words"), [("exit 1", "sudo refuses "), (None, "there is no sudo")])
def test_a_user_whom_root_has_to_help_registers_nothing(machine: Machine, sudo: str | None, words: str) -> None:
    if sudo is None:
        (machine.bin / "sudo").unlink()
        machine.bin.joinpath("true").symlink_to("/bin/true")
    else:
        machine.put(machine.bin / "sudo", sudo)
    with pytest.raises(BotError, match=f"{words}.* Nothing was registered. As root, .*NOPASSWD: ALL'") as caught:
        machine.register()
    assert "config.sh --unattended" not in machine.calls()
    assert "rm /etc/sudoers.d/aios-bot-joining" in str(caught.value)


def test_a_runner_of_before_stays_registered_when_it_cannot_be_started(machine: Machine) -> None:
    (machine.runner / ".runner").touch()
    machine.put(machine.bin / "systemctl", "echo failed")
    with pytest.raises(BotError, match="does not run"):
        machine.register()
    assert (machine.runner / ".runner").exists()
