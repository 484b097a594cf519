"""Install the agent that a lock names beside the one that runs: whole or not at all, and nothing without its hash.

The join command carries this file as text and runs it with the machine's own Python; the agent imports it for an
order that names another agent. So it needs the standard library alone, and raises its own error.

FOLDER/<SHA-256 of the lock>/   a virtual environment; its file `whole` is written last
FOLDER/current, previous        the lock whose program runs, and the one that ran before
FOLDER/aios-bot                 runs the current program (aios-bot.cmd on Windows)
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import platform
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

LOCK_FILE = "agent.txt"
WHOLE = "whole"
OLDEST_PYTHON = (3, 11)
DOWNLOAD_LIMIT = 60  # seconds without data
MAX_DOWNLOAD = 50_000_000  # bytes of one file
PIP_LIMIT = 900  # seconds
CHECK_LIMIT = 120  # seconds
_LOCK = re.compile(r"[0-9a-f]{64}")
_ADDRESS = re.compile(r"(https?|file)://\S+")
_PIP = re.compile(r"^# pip: (pip-[\w.]+-py3-none-any\.whl) sha256:([0-9a-f]{64})$", re.MULTILINE)
_AGENT = re.compile(r"^aios-bot==([\w.+!]+) \\\n +--hash=sha256:([0-9a-f]{64})$", re.MULTILINE)
_EXPECTED = re.compile(r"^ +Expected .*\n", re.MULTILINE)  # pip lists each hash that would have done
_MACHINES = {"x86_64", "amd64", "aarch64", "arm64"}
_CHECK = ("-I", "-m", "bot", "node", "self-check")
_LAUNCHER = """#!/bin/sh
# Runs the program that is named in the file `current` beside this one. Written by aios-bot.
here=$(dirname -- "$(readlink -f -- "$0")")
export AIOS_BOT_NODE_STATE="${AIOS_BOT_NODE_STATE:-$(dirname -- "$here")}"
exec "$here/$(cat "$here/current")/bin/python" -I -m bot "$@"
"""
_LAUNCHER_CMD = """@echo off
setlocal
if not defined AIOS_BOT_NODE_STATE for %%i in ("%~dp0..") do set "AIOS_BOT_NODE_STATE=%%~fi"
set /p lock=<"%~dp0current"
"%~dp0%lock%\\Scripts\\python.exe" -I -m bot %*
""".replace("\n", "\r\n")


class InstallError(Exception):
    """Why the agent was not installed. Nothing of it was run, and what was installed before is as it was."""


def install(folder: Path, url: str, lock: str) -> Path:
    """Install the agent whose lock has the SHA-256 `lock`, unless it is there; return its Python.

    `url` is the folder of its release: lock, pip and the agent's wheel are fetched from there, the other packages
    from the index that pip is configured for. It does not become the current program.
    """
    if not _LOCK.fullmatch(lock) or not _ADDRESS.fullmatch(url):
        raise InstallError(f"not an agent: {url[:200]!r} with the lock {lock[:80]!r}")
    home = folder / lock
    if (home / WHOLE).is_file():
        return python_in(home)
    check_machine()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove(home)
        with tempfile.TemporaryDirectory(dir=folder, prefix="new-") as temporary:
            _install_into(home, url.rstrip("/"), lock, Path(temporary))
    except OSError as problem:
        remove(home)
        raise InstallError(f"{problem.filename or folder}: {problem.strerror or problem}") from None
    except BaseException:
        remove(home)
        raise
    return python_in(home)


def _install_into(home: Path, url: str, lock: str, wheels: Path) -> None:
    text = _fetch(f"{url}/{LOCK_FILE}", lock, wheels / LOCK_FILE).decode("utf-8", "replace")
    pip, agent = _PIP.search(text), _AGENT.search(text)
    if pip is None or agent is None:
        raise InstallError(f"{url}/{LOCK_FILE} is no agent's lock: it names no pip, or no aios-bot")
    _fetch(f"{url}/{pip[1]}", pip[2], wheels / pip[1])
    wheel = f"aios_bot-{agent[1]}-py3-none-any.whl"
    _fetch(f"{url}/{wheel}", agent[2], wheels / wheel)
    _run([sys.executable, "-I", "-m", "venv", "--without-pip", str(home)])
    python = python_in(home)
    # Beside what pip is configured with: the agent's own wheel may be in no index.
    wanted = wheels / "wanted.txt"
    wanted.write_text(f"--find-links {wheels.as_uri()}\n-r {LOCK_FILE}\n", encoding="utf-8")
    _run(
        [
            *(sys.executable, "-I", str(wheels / pip[1] / "pip"), "--python", str(python), "install", "--quiet"),
            *("--disable-pip-version-check", "--no-input", "--no-compile", "--no-deps"),
            *("--require-hashes", "--only-binary", ":all:", "-r", str(wanted)),
        ]
    )
    found = _run([str(python), *_CHECK], limit=CHECK_LIMIT).strip()
    if found != agent[1]:
        raise InstallError(f"the lock is of aios-bot {agent[1]}, and what it installed is {found[:80]!r}")
    if hasattr(os, "sync"):
        os.sync()  # the mark must not be on the disk before what it vouches for
    (home / WHOLE).touch()


def check_machine() -> None:
    """Raise InstallError if this Python is one for which the agent's packages have no wheels."""
    machine = platform.machine()
    if sys.version_info < OLDEST_PYTHON or sys.implementation.name != "cpython":
        version = f"{sys.implementation.name} {sys.version.split()[0]}"
        raise InstallError(f"aios-bot needs CPython 3.11 or newer, and {sys.executable} is {version}")
    if machine.lower() not in _MACHINES or sys.maxsize < 2**32:
        bits = 64 if sys.maxsize > 2**32 else 32
        raise InstallError(
            f"aios-bot has no wheels for this machine ({machine}, {bits} bits): it runs on 64-bit x86 and ARM"
        )


def switch(folder: Path, lock: str) -> None:
    """Make the installed agent the current program; keep the one before, and remove older ones."""
    before = read_current(folder)
    if before and before != lock:
        _write_whole(folder / "previous", before)
    if before != lock:
        _write_whole(folder / "current", lock)
    _write_launcher(folder)
    previous = _read_lock(folder / "previous")
    own = Path(sys.prefix).resolve()
    kept = {lock, previous, "current", "previous", "aios-bot", "aios-bot.cmd"}
    for path in folder.iterdir():
        if path.name not in kept and path.resolve() not in (own, *own.parents):
            remove(path)


def read_current(folder: Path) -> str:
    """The lock of the current program; "" if there is none that is whole."""
    lock = _read_lock(folder / "current")
    return lock if lock and (folder / lock / WHOLE).is_file() else ""


def read_own_lock() -> str:
    """The lock that the running program was installed by; "" if it was not installed like this."""
    prefix = Path(sys.prefix)
    return prefix.name if _LOCK.fullmatch(prefix.name) and (prefix / WHOLE).is_file() else ""


def python_in(home: Path) -> Path:
    """The Python of a virtual environment."""
    return home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def remove(path: Path) -> None:
    """Remove a file or folder, also one that is read-only; what cannot be removed stays."""
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return

    def retry(function: object, name: str, _problem: object) -> None:
        try:
            os.chmod(name, stat.S_IWRITE | stat.S_IREAD | stat.S_IEXEC)  # noqa: PTH101 - rmtree gives a string
            function(name)  # type: ignore[operator]  # os.unlink, os.rmdir or os.open, as rmtree documents
        except OSError:
            return

    if sys.version_info >= (3, 12):
        shutil.rmtree(path, onexc=retry)
    else:
        shutil.rmtree(path, onerror=retry)


def _fetch(address: str, digest: str, target: Path) -> bytes:
    """Write what `address` serves to `target` and return it, or raise InstallError unless its SHA-256 is `digest`."""
    import http.client  # noqa: PLC0415 - an order whose agent is here does without, and every import delays it
    import urllib.request  # noqa: PLC0415 - as above

    try:
        with urllib.request.urlopen(address, timeout=DOWNLOAD_LIMIT) as answer:  # noqa: S310 - see _ADDRESS
            content: bytes = answer.read(MAX_DOWNLOAD + 1)
    except (OSError, ValueError, http.client.HTTPException) as problem:  # the last: an answer that breaks off
        raise InstallError(f"{address} cannot be fetched: {problem}") from None
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise InstallError(f"{address} is not what was named: its SHA-256 is {found}, not {digest}; nothing was run")
    target.write_bytes(content)
    return content


def _run(command: list[str], *, limit: float = PIP_LIMIT) -> str:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        raise InstallError(f"`{' '.join(command)[:300]}` did not end within {limit:.0f} s") from None
    if done.returncode != 0:
        words = _EXPECTED.sub("", (done.stderr or done.stdout).decode("utf-8", "replace")).strip()
        raise InstallError(f"`{' '.join(command)[:300]}` failed: {words[-1500:]}")
    return done.stdout.decode("utf-8", "replace")


def _read_lock(file: Path) -> str:
    try:
        lock = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
    return lock if _LOCK.fullmatch(lock) else ""


def _write_launcher(folder: Path) -> None:
    if os.name == "nt":
        _write_whole(folder / "aios-bot.cmd", _LAUNCHER_CMD)
        return
    _write_whole(folder / "aios-bot", _LAUNCHER)
    (folder / "aios-bot").chmod(0o755)


def _write_whole(file: Path, text: str) -> None:
    fresh = file.with_name(f"{file.name}.new")
    with fresh.open("w", encoding="ascii", newline="") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(file)


def _works(folder: Path, lock: str) -> bool:
    """Whether this agent is there and starts. One that does not loses its mark: its Python may be gone since."""
    home = folder / lock
    if not _LOCK.fullmatch(lock) or not (home / WHOLE).is_file():
        return False
    try:
        _run([str(python_in(home)), *_CHECK], limit=CHECK_LIMIT)
    except (InstallError, OSError):
        (home / WHOLE).unlink()
        return False
    return True


def main(word: str, folder: str) -> int:
    """Install and switch to the agent that the invitation `word` names, if it names one."""
    try:
        agent = json.loads(base64.urlsafe_b64decode(word + "=" * (-len(word) % 4))).get("agent")
    except (ValueError, AttributeError, RecursionError):
        sys.stderr.write("aios-bot: this invitation is damaged: paste the whole command\n")
        return 1
    if agent is None:
        return 0
    try:
        if not _works(Path(folder), agent["lock"]):
            sys.stderr.write(f"aios-bot: installing version {agent['version']} into {folder}\n")
        install(Path(folder), agent["url"], agent["lock"])
        switch(Path(folder), agent["lock"])
    except (InstallError, OSError, KeyError, TypeError) as problem:
        sys.stderr.write(f"aios-bot: not installed: {problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
