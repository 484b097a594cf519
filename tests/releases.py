"""A release in a folder, a package index beside it, both served from this machine: what a node installs from."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

from bot.agent import installer
from tools.release.build import build, write_agent_lock

ROOT = Path(__file__).resolve().parents[1]
INSTALLER = Path(installer.__file__)
PARTS = ("bot", "requirements", "pyproject.toml", "README.md", "LICENSE")


class Release(NamedTuple):
    """A released agent: its version, the address of its folder, and the SHA-256 of its lock."""

    folder: Path
    version: str
    url: str
    lock: str


def invitation_word(release: Release) -> str:
    agent = {"version": release.version, "url": release.url, "lock": release.lock}
    return base64.urlsafe_b64encode(json.dumps({"agent": agent}).encode()).decode().rstrip("=")


def run_installer(release: Release, folder: Path) -> subprocess.CompletedProcess[str]:
    """The installer as the join command runs it: its text on standard input."""
    command = [sys.executable, "-I", "-", invitation_word(release), str(folder)]
    return subprocess.run(command, input=INSTALLER.read_text(), capture_output=True, text=True, check=False)


class Place(NamedTuple):
    """A server's folder: `v...` for each release, `simple` for the index, and the paths that were asked for."""

    folder: Path
    url: str
    asked: list[str]

    @property
    def packages(self) -> str:
        return f"{self.url}/simple/"

    def release(self, name: str) -> Release:
        """The release in the folder `name`, as its files are now."""
        folder = self.folder / name
        text = (folder / "agent.txt").read_text()
        version = re.findall(r"^aios-bot==(\S+)", text, re.MULTILINE)[0]
        return Release(folder, version, f"{self.url}/{name}", sha256(folder / "agent.txt"))


class _Handler(SimpleHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature of http.server
        pass


@contextmanager
def serve(folder: Path) -> Iterator[Place]:
    """Serve `folder` as it is at each request."""
    asked: list[str] = []
    handler = type("Handler", (_Handler,), {"asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Place(folder, f"http://127.0.0.1:{server.server_port}", asked)
    finally:
        server.shutdown()
        server.server_close()


def fill(folder: Path, *pythons: str) -> None:
    """Build this checkout's release into `folder`/v1, and an index with the agent's packages beside it.

    The packages are for this Python, and for each of `pythons` ("3.13") on Linux with glibc on x86-64.
    """
    build(folder / "v1")
    wheels = folder / "wheels"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    packages = ["--require-hashes", "--only-binary", ":all:", "-r", str(ROOT / "requirements/agent.txt")]
    subprocess.run([*pip, "-d", str(wheels), *packages], check=True)
    platforms = [f"--platform=manylinux{kind}_x86_64" for kind in ("2014", "_2_17", "_2_28", "1", "2010")]
    for python in pythons:
        subprocess.run([*pip, "-d", str(wheels), "--python-version", python, *platforms, *packages], check=True)
    for wheel in (*wheels.iterdir(), *(folder / "v1").glob("pip-*.whl")):
        name = re.sub(r"[-_.]+", "-", wheel.name.split("-")[0]).lower()
        (folder / "simple" / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(wheel, folder / "simple" / name / wheel.name)
    shutil.rmtree(wheels)


def build_next(folder: Path, name: str, *, version: str, change: str = "") -> None:
    """Build another version into `folder`/`name`; `change` is appended to what carries out an order."""
    source = folder / f"source-{name}"
    source.mkdir()
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, source / part)
    project = source / "pyproject.toml"
    project.write_text(re.sub(r'^version = ".*"$', f'version = "{version}"', project.read_text(), flags=re.MULTILINE))
    with (source / "bot/agent/deploy.py").open("a") as file:
        file.write(change)
    build(folder / name, source=source)
    shutil.rmtree(source)


def relock(release: Path) -> None:
    """Write the lock of a release again, after its wheel was changed."""
    (release / "agent.txt").unlink()
    write_agent_lock(release)


def change_byte(file: Path) -> None:
    """Flip one bit in the middle of a file."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
