"""Start and stop the runner: by systemd, by a scheduled task on Windows, otherwise in the background."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from bot.domain.errors import BotError
from bot.onboarding.join.services import render_drop_in, render_task
from bot.protocol.invitation import Invitation
from bot.settings.environment import PROXIES
from bot.storage.whole_files import write_whole

_SYSTEMD = Path("/run/systemd/system")
_UNITS = Path("/etc/systemd/system")
_START_TRIES = 30  # a second apart, for a service that is still starting
_ALLOW_ROOT = "RUNNER_ALLOW_RUNASROOT"  # the runner's own variable
_FOR_JOBS = (
    *("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY"),
    *PROXIES,
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_CERT", "PIP_CONFIG_FILE"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO"),
)
"""What was set when the node joined and its jobs need too. The runner hands on what its file `.env` names."""


def check_user(environment: Mapping[str, str]) -> None:
    """Raise BotError for root, as GitHub's runner does, unless RUNNER_ALLOW_RUNASROOT is set."""
    if sys.platform != "win32" and os.geteuid() == 0 and not environment.get(_ALLOW_ROOT):
        raise BotError(
            "GitHub's runner refuses to run as root. Paste the command as a user who may use Docker "
            "(`useradd -m -G docker deploy && su - deploy`), or, where jobs may be root, run "
            f"`export {_ALLOW_ROOT}=1` first"
        )


def check_start(environment: Mapping[str, str]) -> None:
    """Raise BotError, with what root does about it, if this user cannot make the runner start with the machine."""
    if sys.platform == "win32" or not _SYSTEMD.is_dir() or os.geteuid() == 0:
        return
    user = getpass.getuser()
    reason = "there is no sudo"
    if shutil.which("sudo", path=environment.get("PATH")) is not None:
        # `sudo -v` wants a password also where only some of the rules need one. What sudo prints is for the terminal.
        if subprocess.run(["sudo", "true"], env=dict(environment), check=False).returncode == 0:
            return
        reason = f"sudo refuses {user}"
    raise BotError(
        f"installing the runner as a service needs root, and {reason}. Nothing was registered. As root, install sudo "
        f"and run `echo '{user} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/aios-bot-joining`; paste the command again "
        f"as {user}; then, as root, `rm /etc/sudoers.d/aios-bot-joining`"
    )


def write_job_environment(folder: Path, state: Path, environment: Mapping[str, str]) -> bool:
    """Write what jobs need to the runner's file `.env`, and return whether that changed it.

    What is not set any more goes from it; lines of other variables stay. Values are as they are, without quotes: the
    runner splits at the first `=`. Only its user may read the file, because a proxy's address may hold a password.
    """
    given = {name: environment[name] for name in _FOR_JOBS if environment.get(name)}
    given["AIOS_BOT_NODE_STATE"] = str(state)
    file = folder / ".env"
    before = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    kept = [line for line in before if line.partition("=")[0] not in (*_FOR_JOBS, *given)]
    after = kept + [f"{name}={value}" for name, value in given.items() if "\n" not in value]
    if sorted(after) == sorted(before):
        return False
    write_whole(file, ("\n".join(after) + "\n").encode(), mode=0o600)
    return True


def start_runner(folder: Path, state: Path, invitation: Invitation, environment: Mapping[str, str]) -> str:
    """Start the runner now and with the machine, after what was interrupted is recovered. Returns a line about it."""
    program = state / "program" / ("aios-bot.cmd" if sys.platform == "win32" else "aios-bot")
    if sys.platform == "win32":
        # Docker Desktop runs in a user's session and admits no service account, so the runner is no service either.
        name, file = _task(invitation), folder / "task.xml"
        user = f"{environment.get('USERDOMAIN', '.')}\\{getpass.getuser()}"
        text = render_task(name, user=user, program=program, state=state, runner=folder)
        file.write_text(text, encoding="utf-16")
        _call(["schtasks", "/Create", "/F", "/TN", name, "/XML", str(file)], folder, environment)
        _call(["schtasks", "/Run", "/TN", name], folder, environment)
        return f"the runner starts when you log on (scheduled task {name!r})"
    if _SYSTEMD.is_dir():
        if not (folder / ".service").exists():
            _call([*_root(), "./svc.sh", "install", getpass.getuser()], folder, environment)
        if program.exists():
            _add_drop_in(folder, render_drop_in(program=program, state=state, runner=folder), environment)
        _call([*_root(), "./svc.sh", "start"], folder, environment)
        _check_active(folder, environment)
        return "the runner is a systemd service, which recovers an interrupted order before it starts"
    if _runs(folder):
        return "the runner is running in the background already"
    with (folder / "runner.log").open("ab") as log:
        started = subprocess.Popen(
            ["./run.sh"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (folder / "runner.pid").write_text(str(started.pid))
    own = program if program.exists() else "aios-bot"
    return (
        "the runner is running in the background (there is no systemd: start these with the machine: "
        f"{own} node recover --state {state}, then {folder / 'run.sh'})"
    )


def _check_active(folder: Path, environment: Mapping[str, str]) -> None:
    """Raise BotError unless the service runs: `svc.sh start` succeeds also where the runner ends at once."""
    unit, state = _unit_of(folder), ""
    for _ in range(_START_TRIES):
        command = ["systemctl", "is-active", unit]
        done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)
        state = done.stdout.strip() or done.stderr.strip()[-200:]
        if state == "active":
            return
        if state not in ("activating", "reloading"):  # "activating" is also what waits to be started again
            break
        time.sleep(1)
    raise BotError(f"the runner's service {unit} does not run ({state}): `journalctl -u {unit}` shows why")


def _unit_of(folder: Path) -> str:
    """The service's name, which `svc.sh install` writes into the file `.service`."""
    return (folder / ".service").read_text(encoding="utf-8").strip()


def _drop_in_of(folder: Path) -> Path:
    return _UNITS / f"{_unit_of(folder)}.d" / "aios-bot.conf"


def _add_drop_in(folder: Path, text: str, environment: Mapping[str, str]) -> None:
    file = folder / "aios-bot.conf"
    file.write_text(text, encoding="utf-8")
    _call([*_root(), "install", "-D", "-m", "0644", str(file), str(_drop_in_of(folder))], folder, environment)
    _call([*_root(), "systemctl", "daemon-reload"], folder, environment)


def stop_runner(folder: Path, invitation: Invitation, environment: Mapping[str, str]) -> None:
    """Undo `start_runner`, as far as it was done."""
    if not folder.exists():
        return
    if sys.platform == "win32":
        subprocess.run(["schtasks", "/End", "/TN", _task(invitation)], capture_output=True, check=False)
        subprocess.run(["schtasks", "/Delete", "/F", "/TN", _task(invitation)], capture_output=True, check=False)
        return
    if (folder / ".service").exists():
        drop_in = _drop_in_of(folder)
        with suppress(BotError):  # where it is stopped already
            _call([*_root(), "./svc.sh", "stop"], folder, environment)
        if drop_in.exists():
            _call([*_root(), "rm", "-r", str(drop_in.parent)], folder, environment)
        _call([*_root(), "./svc.sh", "uninstall"], folder, environment)
    if _runs(folder):
        os.killpg(int((folder / "runner.pid").read_text()), signal.SIGTERM)


def _runs(folder: Path) -> bool:
    """Whether the runner that was started in the background still runs."""
    try:
        pid = int((folder / "runner.pid").read_text())
        return Path(f"/proc/{pid}/cwd").resolve() == folder.resolve()
    except (OSError, ValueError):
        return False


def _task(invitation: Invitation) -> str:
    return f"aios-bot runner {invitation.node}"


def _root() -> list[str]:
    return [] if os.geteuid() == 0 else ["sudo"]


def _call(command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(command, cwd=folder, env=dict(environment), capture_output=True, check=False)
    except OSError as problem:
        raise BotError(f"cannot run {command[0]} ({problem.strerror})") from None
    if done.returncode != 0:
        output = (done.stderr or done.stdout).decode("utf-8", "replace").strip()[-500:]
        raise BotError(f"`{' '.join(command)}` in {folder} failed: {output}")
