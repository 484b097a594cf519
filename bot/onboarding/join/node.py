"""Join this machine to a fleet by its invitation, or leave it. Every step may run again: it skips what is done."""

from __future__ import annotations

import hashlib
import json
import platform as this_machine
import shutil
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import requests

from bot.agent.doctor import run_checks
from bot.agent.installer import remove
from bot.agent.runner_version import find_runner
from bot.agent.state import NodeState
from bot.domain.errors import BotError
from bot.engine.docker import Docker
from bot.fleetfile import Platform
from bot.git.safe_git import GitAccess
from bot.onboarding.join.clone import FleetClone
from bot.onboarding.join.private import make_private
from bot.onboarding.join.programs import run_shown
from bot.onboarding.join.runner import check_start, check_user, start_runner, stop_runner, write_job_environment
from bot.protocol.invitation import Invitation, RunnerDownload
from bot.storage.whole_files import write_whole

DOWNLOAD_LIMIT = 600  # seconds without data while the runner's archive is downloaded
RUNNER_INPUT = "ACTIONS_RUNNER_INPUT_TOKEN"  # where config.sh reads --token (actions/runner, CommandSettings.cs)
_ARCHITECTURES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64", "armv7l": "arm"}


@dataclass(frozen=True)
class NodeJoin:
    """A node that joins. `environment` is that of its child programs; `log` takes a line for the user."""

    invitation: Invitation
    state: NodeState
    environment: Mapping[str, str]
    log: Callable[[str], None]

    @property
    def root(self) -> Path:
        return Path(self.invitation.root).expanduser()

    @property
    def runner(self) -> Path:
        """The folder of GitHub's runner."""
        return find_runner(self.state.folder, self.root, self.invitation.node)

    @property
    def program(self) -> Path | None:
        """The program that orders run, if it was installed by its hash."""
        installed = self.state.folder / "program" / ("aios-bot.cmd" if sys.platform == "win32" else "aios-bot")
        return installed if installed.exists() else None

    def enrol(self) -> None:
        """Record which node this is, and the key of the bot whose orders it takes."""
        make_private(self.state.folder, self.environment)
        with tempfile.TemporaryDirectory() as folder:
            key = Path(folder) / "bot.pem"
            key.write_text(self.invitation.key)
            identity = self.state.trust(
                key, fleet=self.invitation.fleet, node=self.invitation.node, root=self.invitation.root
            )
        self.log(f"ok   this is {identity.node} of {identity.fleet}; it accepts the bot's signed orders")

    def clone(self) -> None:
        """Clone the fleet repository with its submodules, or check the clone that is there. Raises BotError."""
        self._clone.bring()

    @property
    def _clone(self) -> FleetClone:
        return FleetClone(self.invitation, self.root, self.environment, self.log)

    def bootstrap(self) -> None:
        """Run the fleet's scripts for a new machine, each once, in their order. Raises BotError."""
        done_file = self.state.folder / "bootstrapped.json"
        done = json.loads(done_file.read_text()) if done_file.exists() else []
        for script in (one for one in self._scripts() if one not in done):
            self.log(f"     running {script}")
            self._run(
                _interpreter(script), cwd=self.root, cure="see the output above; fix it, and paste the command again"
            )
            done.append(script)
            write_whole(done_file, json.dumps(done).encode())
            self.log(f"ok   {script}")

    def _scripts(self) -> tuple[str, ...]:
        nodes = self._clone.read_fleet().nodes
        node = next((one for one in nodes if one.name == self.invitation.node), None)
        if node is None:
            self.log(
                "note the fleet file does not name this node yet: merge its pull request to send its first order"
            )
            return ()
        missing = [script for script in node.bootstrap if not (self.root / script).is_file()]
        if missing:
            raise BotError(
                f"the fleet file names {', '.join(missing)} for this node, but {self.root} has no such file: "
                f"check out {self.invitation.base} there"
            )
        return node.bootstrap

    def register_runner(self) -> None:
        """Download, verify, configure and start GitHub's runner. Raises BotError; then nothing is registered."""
        check_user(self.environment)
        check_start(self.environment)
        if (self.runner / ".runner").exists():
            self.log(f"ok   the runner in {self.runner} is registered already")
            self._start_runner()
            return
        if not self.invitation.token:
            raise BotError(
                "this invitation has no runner token: get one at "
                f"{self.invitation.web_url}/{self.invitation.fleet}/settings/actions/runners/new (--token), and "
                "run `aios-bot node join` with --token TOKEN"
            )
        self._fetch_runner()
        started = False
        try:
            self._configure()
            self._start_runner()
            started = True
        finally:
            if not started:
                self._unregister()

    def _start_runner(self) -> None:
        if write_job_environment(self.runner, self.state.folder, self.environment):
            stop_runner(self.runner, self.invitation, self.environment)  # it reads its settings when it starts
        self.log(f"ok   {start_runner(self.runner, self.state.folder, self.invitation, self.environment)}")

    def _unregister(self) -> None:
        """Unregister what was registered just now. What stays is reported, and hides no failure before it."""
        try:
            stop_runner(self.runner, self.invitation, self.environment)  # `remove` refuses while it is a service
            if (self.runner / ".runner").exists():
                self._remove_runner()
                self.log("note the runner is not registered any more")
        except (BotError, OSError) as problem:
            place = f"{self.invitation.web_url}/{self.invitation.fleet}/settings/actions/runners"
            self.log(f"note {self.invitation.node} is still registered ({problem}): remove it at {place}")

    def _remove_runner(self) -> None:
        self._run(
            [str(self.runner / _config_name()), "remove"],
            cwd=self.runner,
            secrets={RUNNER_INPUT: self.invitation.token},
            cure="remove it by hand: Settings, Actions, Runners",
        )

    def _fetch_runner(self) -> None:
        if (self.runner / _config_name()).exists():
            return
        found = self._download()
        self.log(f"     downloading {found.url}")
        self.runner.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.state.folder) as folder:
            archive = Path(folder) / "runner"
            digest = hashlib.sha256()
            with requests.get(found.url, stream=True, timeout=DOWNLOAD_LIMIT) as answer, archive.open("wb") as file:
                answer.raise_for_status()
                for chunk in answer.iter_content(1 << 20):
                    digest.update(chunk)
                    file.write(chunk)
            if digest.hexdigest() != found.sha256:
                raise BotError(
                    f"{found.url} does not match GitHub's checksum (SHA-256 {digest.hexdigest()}): nothing was run"
                )
            _unpack(archive, self.runner)

    def _download(self) -> RunnerDownload:
        kind = _ARCHITECTURES.get(this_machine.machine().lower(), this_machine.machine())
        for one in self.invitation.downloads:
            if one.architecture == kind:
                return one
        known = ", ".join(one.architecture for one in self.invitation.downloads) or "none"
        raise BotError(f"GitHub has no runner for this machine ({kind}; available: {known})")

    def _configure(self) -> None:
        invitation = self.invitation
        self._run(
            [
                *(str(self.runner / _config_name()), "--unattended", "--replace", "--name", invitation.node),
                *("--url", f"{invitation.web_url}/{invitation.fleet}"),
                *("--labels", ",".join(invitation.labels), "--work", "_work"),
            ],
            cwd=self.runner,
            secrets={RUNNER_INPUT: invitation.token},
            cure="the token is valid for an hour: run `aios-bot node add` again for a new one",
        )
        self.log(f"ok   the runner is registered as {', '.join(invitation.labels)}")

    def leave(self) -> None:
        """Remove the runner and the node's identity and keys; the checkout and the containers stay."""
        stop_runner(self.runner, self.invitation, self.environment)
        was_registered = (self.runner / ".runner").exists()
        if was_registered and self.invitation.token:
            self._remove_runner()
        remove(self.runner)
        for name in ("node.json", "keys", "bootstrapped.json"):
            remove(self.state.folder / name)
        self.log("ok   this machine accepts no orders any more")
        if was_registered and not self.invitation.token:
            self.log(
                f"note GitHub lists its runner until `aios-bot node remove {self.invitation.node}` is run where you "
                f"administer {self.invitation.fleet}, if that was not done before"
            )
        if sys.platform == "win32":  # a program that runs cannot be removed there
            self.log(f"note remove the program by hand: {self.state.folder / 'program'}")
        else:
            remove(self.state.folder / "program")
        checkout = f" {self.root}" if self.root != Path(self.root.anchor) else ""  # its orders named it
        self.log(f"note its checkout{checkout} and its containers stay; see `docker ps` and `docker compose ls`")

    def _run(self, command: list[str], *, cwd: Path, cure: str, secrets: Mapping[str, str] | None = None) -> None:
        run_shown(command, cwd=cwd, environment=self.environment, cure=cure, secrets=secrets)


def find_obstacles(join: NodeJoin) -> tuple[str, ...]:
    """What `aios-bot node doctor` finds wrong, each with its cure. What is right is logged."""
    findings = run_checks(
        join.state,
        Docker(join.environment, secrets=(), log=join.log),
        GitAccess(join.invitation.web_url, None),
        join.root,
    )
    for finding in (one for one in findings if one.good):
        join.log(f"ok   {finding.name}: {finding.text}")
    return tuple(f"{finding.name}: {finding.text}" for finding in findings if not finding.good)


def check_platform(invitation: Invitation) -> None:
    """Raise BotError unless this machine has the platform that the invitation is for."""
    here = Platform.WINDOWS if sys.platform == "win32" else Platform.LINUX
    if hasattr(sys, "getandroidapilevel"):
        raise BotError(
            "GitHub has no runner for Android: run the command in Debian under proot-distro "
            "(`pkg install proot-distro; proot-distro install debian; proot-distro login debian`)"
        )
    wanted = Platform.LINUX if invitation.platform is Platform.ANDROID else invitation.platform
    if here is not wanted:
        raise BotError(
            f"{invitation.node} was added as {invitation.platform}, but this is {here}: add it with --platform {here}"
        )


def _config_name() -> str:
    return "config.cmd" if sys.platform == "win32" else "config.sh"


def _interpreter(script: str) -> list[str]:
    if script.endswith(".ps1"):
        shell = shutil.which("pwsh") or "powershell"
        return [shell, "-NoProfile", "-ExecutionPolicy", "Bypass", "-File", script]
    return [sys.executable, script] if script.endswith(".py") else ["sh", script]


def _unpack(archive: Path, target: Path) -> None:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(target)  # noqa: S202 - its digest is the one that GitHub publishes
        return
    with tarfile.open(archive) as packed_tar:
        if hasattr(tarfile, "tar_filter"):
            packed_tar.extractall(target, filter="tar")
        else:  # before Python 3.11.4
            packed_tar.extractall(target)  # noqa: S202 - its digest is the one that GitHub publishes
