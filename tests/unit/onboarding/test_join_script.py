"""What the join script refuses before it changes anything, and which Python it takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "bot/onboarding/join/join.sh"
TOOLS = ("sh", "cat", "sed", "mkdir", "install")
OLD_PYTHON = "exit 1"  # what the probe ends with


class Machine:
    """A machine whose programs are those in `bin`; what would change it is written to `changes`."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.changes, self.home = folder / "bin", folder / "changes", folder / "state"
        self.bin.mkdir()
        for name in TOOLS:
            found = next(Path(place) / name for place in ("/usr/bin", "/bin") if (Path(place) / name).exists())
            (self.bin / name).symlink_to(found)
        self.put("id", "echo 1000")
        self.put("uname", "echo x86_64")
        self.put("getconf", "echo 64")
        self.put("git", "echo git version 2.31.0")
        for name in ("apt-get", "sudo"):
            self.put(name, f'echo {name} "$@" >>{self.changes}')

    def put(self, name: str, script: str) -> None:
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def offer_python(self, version: str, *, git: str = "1:2.39.5-0+deb12u2") -> None:
        candidate = f"case $2 in git) echo '  Candidate: {git}' ;; *) echo '  Candidate: {version}' ;; esac"
        self.put("apt-cache", f"echo \"$2:\"; echo '  Installed: (none)'; {candidate}")

    def join(self) -> subprocess.CompletedProcess[str]:
        """The script, run by this machine's shell with an invitation that names no agent."""
        text = SCRIPT.read_text().replace("@INSTALLER@", "")
        environment = {"PATH": str(self.bin), "HOME": "/home/lab", "AIOS_BOT_NODE_STATE": str(self.home)}
        command = ["/usr/bin/setsid", str(self.bin / "sh"), "-s", "--", "e30"]
        return subprocess.run(command, input=text, env=environment, capture_output=True, text=True, check=False)

    def assert_refused(self, words: str) -> None:
        done = self.join()
        assert words in done.stderr
        assert done.returncode == 1
        assert not self.changes.exists(), "refused before anything was changed"
        assert not self.home.exists()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("kind", ["armv7l", "armv6l", "riscv64", "i686"])
def test_a_machine_without_wheels_is_refused(machine: Machine, kind: str) -> None:
    machine.put("uname", f"echo {kind}")
    machine.put("git", "exit 127")
    machine.assert_refused(f"there is no aios-bot for this machine ({kind}): it runs on 64-bit x86 and ARM")


def test_a_system_of_32_bits_on_a_64_bit_kernel_is_refused(machine: Machine) -> None:
    machine.put("uname", "echo aarch64")
    machine.put("getconf", "echo 32")
    machine.assert_refused("there is no aios-bot for this machine (aarch64)")


@pytest.mark.parametrize("version", ["1.9.5", "2.9.2", "2.17.1", "2.30.2", "2.30.2 (Apple Git-1)"])
def test_an_old_git_is_refused(machine: Machine, version: str) -> None:
    (machine.bin / "python3").symlink_to(sys.executable)
    machine.put("git", f"echo 'git version {version}'")
    machine.assert_refused(f"git {version.split(maxsplit=1)[0]} is too old: install 2.31 or newer")


def test_a_system_that_would_install_an_old_git_is_refused(machine: Machine) -> None:
    (machine.bin / "python3").symlink_to(sys.executable)
    (machine.bin / "git").unlink()
    machine.offer_python("3.11.2-1+b1", git="1:2.30.2-1+deb11u2")
    machine.assert_refused("git 2.30.2 is too old")


@pytest.mark.parametrize("version", ["2.31.0", "2.45.2.windows.1", "2.100.0", "3.0.1"])
def test_a_newer_git_is_taken(machine: Machine, version: str) -> None:
    (machine.bin / "python3").symlink_to(sys.executable)
    machine.put("git", f"echo git version {version}")
    machine.put("aios-bot", "exit 0")
    assert machine.join().returncode == 0


def test_a_user_without_sudo_is_told_what_root_does_and_what_needs_no_root(machine: Machine) -> None:
    (machine.bin / "python3").symlink_to(sys.executable)
    (machine.bin / "sudo").unlink()
    machine.put("mkdir", "exit 1")
    machine.put("id", "case $1 in -un) echo lab ;; *) echo 1000 ;; esac")
    machine.assert_refused(
        f"root has to run this, then paste the command again: install -d -m 0700 -o lab {machine.home}"
    )
    assert "; or choose a folder of your own: export AIOS_BOT_NODE_STATE=/" in machine.join().stderr


def test_root_is_refused(machine: Machine) -> None:
    machine.put("id", "echo 0")
    machine.assert_refused("GitHub's runner refuses to run as root")


@pytest.mark.parametrize("offered", ["3.9.2-3", "3.10.6-1~22.04.1"])
def test_an_old_python_with_no_other_is_refused(machine: Machine, offered: str) -> None:
    machine.put("python3", OLD_PYTHON)
    machine.offer_python(offered)
    (machine.bin / "git").unlink()
    machine.assert_refused("this system offers an older one: install one beside it as python3.11")


def test_the_newer_python_beside_an_old_one_is_taken(machine: Machine) -> None:
    machine.put("python3", OLD_PYTHON)
    machine.offer_python("3.9.2-3")
    (machine.bin / "python3.11").symlink_to(sys.executable)
    machine.put("aios-bot", 'echo "$@"')
    done = machine.join()
    assert (done.returncode, done.stdout) == (0, f"node join e30 --state {machine.home}\n"), done.stderr
    assert not machine.changes.exists()


def test_the_state_folder_is_its_users_alone(machine: Machine) -> None:
    machine.put("python3", "exit 0")
    machine.put("aios-bot", "exit 0")
    machine.home = machine.home / "of/this/node"
    assert machine.join().returncode == 0
    assert machine.home.stat().st_mode & 0o777 == 0o700


def test_an_invitation_without_a_program_on_a_machine_without_one_is_told(machine: Machine) -> None:
    (machine.bin / "python3").symlink_to(sys.executable)
    done = machine.join()
    assert "this invitation names no program, and aios-bot is not installed here" in done.stderr
    assert done.returncode == 1


def test_what_is_missing_is_installed_from_the_system(machine: Machine) -> None:
    machine.offer_python("3.11.2-1+b1")
    (machine.bin / "git").unlink()
    done = machine.join()
    assert "Python 3.11 or newer is missing" in done.stderr, "this one's apt-get installs nothing"
    installs = [line for line in machine.changes.read_text().splitlines() if " install " in line]
    assert [line.split()[-1] for line in installs] == ["git", "python3"]
