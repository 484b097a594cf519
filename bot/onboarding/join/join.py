"""What a new node does with its invitation, on the node. Each step finds what is done already: it may run again."""

from __future__ import annotations

import hashlib
import json
import platform as this_machine
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import requests

from bot.agent.state import NodeState
from bot.domain.errors import BotError
from bot.fleetfile import FLEET_FILE, Platform, parse_fleet
from bot.onboarding.join.service import start_runner, stop_runner
from bot.protocol.invitation import Invitation, RunnerDownload

Tell = Callable[[str], None]
DOWNLOAD_LIMIT = 600  # seconds between two pieces of the runner's archive
_ARCHITECTURES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64", "armv7l": "arm"}


@dataclass(frozen=True)
class Joining:
    """One node that joins. `environment` is what its programs see."""

    invitation: Invitation
    state: NodeState
    environment: Mapping[str, str]
    tell: Tell

    @property
    def root(self) -> Path:
        return Path(self.invitation.root).expanduser()

    @property
    def runner(self) -> Path:
        """Where GitHub's runner lives: on Windows near the drive's root, because its paths grow long."""
        if sys.platform == "win32":
            return Path(self.root.anchor) / f"runner-{self.invitation.node}"
        return self.state.folder / "runner"

    # -- the steps -------------------------------------------------------------------------------------------

    def enrol(self) -> None:
        """Say who this node is and whose orders it takes."""
        with tempfile.TemporaryDirectory() as folder:
            key = Path(folder) / "bot.pem"
            key.write_text(self.invitation.key)
            identity = self.state.trust(
                key, fleet=self.invitation.fleet, node=self.invitation.node, root=self.invitation.root
            )
        self.tell(f"ok   this is {identity.node} of {identity.fleet}; it takes the bot's signed orders")

    def clone(self) -> None:
        """The fleet repository with its submodules, where nothing is yet."""
        if (self.root / ".git").exists():
            self.tell(f"ok   {self.root} is there already")
            return
        if self.root.exists() and any(self.root.iterdir()):
            raise BotError(
                f"{self.root} is not empty and no clone: move it away, or add the node with another --root"
            )
        self._make_parent()
        url = f"{self.invitation.web_url}/{self.invitation.fleet}.git"
        self.tell(f"     cloning {url} into {self.root}")
        # A person is at this terminal: git may ask, and its credential helpers count.
        self._run(
            ["git", "clone", "--recursive", "--quiet", "--branch", self.invitation.base, "--", url, str(self.root)],
            cwd=self.root.parent,
            cure="may this machine read the repository? `git clone` by hand tells more",
        )
        self.tell(f"ok   cloned into {self.root}")

    def bootstrap(self) -> None:
        """The fleet's own scripts for a new machine, each once, in their order."""
        done_file = self.state.folder / "bootstrapped.json"
        done = json.loads(done_file.read_text()) if done_file.exists() else []
        for script in (one for one in self._scripts() if one not in done):
            self.tell(f"     running {script}")
            self._run(_interpreter(script), cwd=self.root, cure="see above; mend it, and paste the command again")
            done.append(script)
            done_file.write_text(json.dumps(done))
            self.tell(f"ok   {script}")

    def _scripts(self) -> tuple[str, ...]:
        text = (self.root / FLEET_FILE).read_text(encoding="utf-8")
        node = next((one for one in parse_fleet(text).nodes if one.name == self.invitation.node), None)
        if node is None:
            self.tell(
                "note the fleet file does not name this node yet: merge its pull request, and it gets its first order"
            )
            return ()
        missing = [script for script in node.bootstrap if not (self.root / script).is_file()]
        if missing:
            raise BotError(
                f"the fleet file names {', '.join(missing)} for this node, and {self.root} has no such file"
            )
        return node.bootstrap

    def register_runner(self) -> None:
        """GitHub's own runner, of the version that GitHub names, checked, configured and started."""
        if (self.runner / ".runner").exists():
            self.tell(f"ok   the runner in {self.runner} is registered already")
        else:
            if not self.invitation.token:
                raise BotError(
                    "this invitation holds no runner token: get one at "
                    f"{self.invitation.web_url}/{self.invitation.fleet}/settings/actions/runners/new (--token), and "
                    "run `aios-bot node join` with --token TOKEN"
                )
            self._fetch_runner()
            self._configure()
        self.tell(f"ok   {start_runner(self.runner, self.invitation, self.environment)}")

    def _fetch_runner(self) -> None:
        if (self.runner / _config_name()).exists():
            return
        found = self._download()
        self.tell(f"     fetching {found.url}")
        self.runner.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.state.folder) as folder:
            archive = Path(folder) / "runner"
            digest = hashlib.sha256()
            with requests.get(found.url, stream=True, timeout=DOWNLOAD_LIMIT) as answer, archive.open("wb") as file:
                answer.raise_for_status()
                for piece in answer.iter_content(1 << 20):
                    digest.update(piece)
                    file.write(piece)
            if digest.hexdigest() != found.sha256:
                raise BotError(
                    f"{found.url} is not what GitHub says it is (SHA-256 {digest.hexdigest()}): nothing was run"
                )
            _unpack(archive, self.runner)

    def _download(self) -> RunnerDownload:
        kind = _ARCHITECTURES.get(this_machine.machine().lower(), this_machine.machine())
        for one in self.invitation.downloads:
            if one.architecture == kind:
                return one
        known = ", ".join(one.architecture for one in self.invitation.downloads) or "none"
        raise BotError(f"GitHub has no runner for this machine ({kind}; there are: {known})")

    def _configure(self) -> None:
        invitation = self.invitation
        self._run(
            [
                *(str(self.runner / _config_name()), "--unattended", "--replace", "--name", invitation.node),
                *("--url", f"{invitation.web_url}/{invitation.fleet}", "--token", invitation.token),
                *("--labels", ",".join(invitation.labels), "--work", "_work"),
            ],
            cwd=self.runner,
            cure="the token lives for an hour: `aios-bot node add` again makes a new one",
        )
        self.tell(f"ok   the runner is registered as {', '.join(invitation.labels)}")

    def leave(self) -> None:
        """Take the runner and the node's own folder away; the checkout and what runs stay."""
        stop_runner(self.runner, self.invitation, self.environment)
        if (self.runner / ".runner").exists() and self.invitation.token:
            self._run(
                [str(self.runner / _config_name()), "remove", "--token", self.invitation.token],
                cwd=self.runner,
                cure="take it off by hand: Settings, Actions, Runners",
            )
        shutil.rmtree(self.runner, ignore_errors=True)
        for name in ("node.json", "keys", "bootstrapped.json"):
            path = self.state.folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        self.tell("ok   this machine takes no orders any more")
        self.tell(f"note its checkout {self.root} and its containers stay: `docker ps`, `docker compose ls`")

    def _make_parent(self) -> None:
        try:
            self.root.parent.mkdir(parents=True, exist_ok=True)
            probe = self.root.parent / f".{self.root.name}.probe"
            probe.touch()
            probe.unlink()
        except OSError as problem:
            raise BotError(
                f"{self.root.parent} cannot be written ({problem.strerror}): make {self.root} by hand for this user, "
                f"such as `sudo install -d -o $(id -un) {self.root}`"
            ) from None

    def _run(self, command: list[str], *, cwd: Path, cure: str) -> None:
        try:
            done = subprocess.run(command, cwd=cwd, env=dict(self.environment), check=False)
        except OSError as problem:
            raise BotError(f"{command[0]} cannot be run ({problem.strerror}): {cure}") from None
        if done.returncode != 0:
            raise BotError(f"{Path(command[0]).name} ended with {done.returncode}: {cure}")


def check_platform(invitation: Invitation) -> None:
    """An invitation is for one kind of machine."""
    here = Platform.WINDOWS if sys.platform == "win32" else Platform.LINUX
    if hasattr(sys, "getandroidapilevel"):
        raise BotError(
            "GitHub has no runner for Android itself: run the command in a Debian of proot-distro "
            "(`pkg install proot-distro; proot-distro install debian; proot-distro login debian`)"
        )
    wanted = Platform.LINUX if invitation.platform is Platform.ANDROID else invitation.platform
    if here is not wanted:
        raise BotError(f"{invitation.node} was added as {invitation.platform}, and this is {here}: see --platform")


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
            packed.extractall(target)  # noqa: S202 - its digest is the one that GitHub names
        return
    with tarfile.open(archive) as packed_tar:
        if hasattr(tarfile, "tar_filter"):
            packed_tar.extractall(target, filter="tar")
        else:  # before Python 3.11.4
            packed_tar.extractall(target)  # noqa: S202 - its digest is the one that GitHub names
