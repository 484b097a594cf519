"""Keep a record of what a demo makes outside of its own process, and remove all of it, whatever ended the demo.

Each demo has a folder of its own with a lock, which its process holds while it lives, and a record of what it is
about to make. Whoever cleans up starts from these alone: the demo itself at its end, or the next one after a
`kill -9`. Nothing else is touched: in an engine that is somebody's own, the demo's containers, networks, volumes and
images all carry its name.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import IO

from sandbox.engine import Engine, EngineError, remove_remains

NAME = "aios-demo-"
_PRIVATE = re.compile(r"aios-demo-[a-z0-9]{8}")
_RECORD, _LOCK = "demo.json", "lock"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_OURS = ("AIOS_BOT_DATA", "AIOS_BOT_NODE_STATE", "DOCKER_CONFIG", "GIT_PROJECT_ROOT")
"""Variables that name a demo's folder in the environment of the processes it starts, and in no other process."""


class DemoFolder:
    """The folder of a running demo. Its `name` is unique, and that of what it makes in somebody's own engine."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name

    def record_engine(self, environment: Mapping[str, str]) -> None:
        """Record that things named like this demo will be made in the engine that `environment` leads to."""
        _write(self.path / _RECORD, json.dumps(dict(environment)))


@contextlib.contextmanager
def open_demo_folder() -> Iterator[DemoFolder]:
    """A demo's folder; at the end, also by SIGINT, SIGTERM and SIGHUP, every trace of the demo is removed.

    The first of these signals ends the block by KeyboardInterrupt or SystemExit; later ones are ignored, so that
    nothing interrupts the removal. For the main thread only.
    """
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def ignore() -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def end(number: int, _frame: FrameType | None) -> None:
        ignore()
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    for number in _SIGNALS:
        signal.signal(number, end)
    folder: Path | None = None
    lock: IO[str] | None = None
    try:
        try:
            # The name has only what an image's and a project's name may have.
            folder = Path(tempfile.gettempdir(), f"{NAME}{os.urandom(4).hex()}")
            folder.mkdir(mode=0o700)
            lock = _take_lock(folder)
            _write(folder / _RECORD, "{}")
            yield DemoFolder(folder)
        finally:
            ignore()  # a signal before this line was the one and only, and brings us to the next block all the same
    finally:
        if folder is not None and folder.exists():
            remove_demo(folder)
        if lock is not None:
            lock.close()
        for number, handler in before.items():
            signal.signal(number, handler)


def remove_leftovers() -> list[str]:
    """Remove every trace of demos that were killed; one line for each, with what could not be removed."""
    lines = []
    for folder in sorted(Path(tempfile.gettempdir()).glob(f"{NAME}*")):
        if not _PRIVATE.fullmatch(folder.name) or folder.is_symlink() or folder.stat().st_uid != os.geteuid():
            continue
        lock = _take_lock(folder)
        if lock is None:
            continue  # it runs
        with lock:
            try:
                remove_demo(folder)
                lines.append(f"{folder.name} was killed, and is removed")
            except EngineError as problem:
                cure = "start its engine, and the next demo removes the rest"
                lines.append(f"{folder.name} was killed; {cure}: {problem}")
    return lines


def remove_demo(folder: Path) -> None:
    """Remove the demo in `folder`: its processes, what it made in an engine of somebody's own, its files.

    Raises EngineError, and keeps the folder, when that engine cannot be reached.
    """
    _end_processes(folder)
    environment = _read(folder / _RECORD)
    if environment:
        remove_named(Engine(environment.get("DOCKER_HOST", ""), environment), folder.name)
    remove_remains(folder / "engine")
    shutil.rmtree(folder, ignore_errors=True)


def remove_named(engine: Engine, name: str) -> None:
    """Remove the containers, networks, volumes and images whose names begin with a demo's name."""
    if not _PRIVATE.fullmatch(name):
        raise ValueError(f"{name!r} is no demo's name")
    project = '{{.ID}} {{.Label "com.docker.compose.project"}}'
    for _ in range(10):  # what a process that just ended had asked for may still come to be
        found = 0
        for listing, removing in (
            (("ps", "--all", "--no-trunc", "--format", project), ("rm", "--force", "--volumes")),
            (("network", "ls", "--no-trunc", "--format", "{{.ID}} {{.Name}}"), ("network", "rm")),
            (("volume", "ls", "--format", "{{.Name}} {{.Name}}"), ("volume", "rm", "--force")),
            (("images", "--format", "{{.Repository}}:{{.Tag}} {{.Repository}}"), ("rmi", "--force")),
        ):
            pairs = [line.partition(" ") for line in engine.docker(*listing).splitlines()]
            own = [one for one, _, called in pairs if called.startswith((f"{name}-", f"{name}/", f"{name}_"))]
            found += len(own)
            with contextlib.suppress(EngineError):  # one is gone already: the next round tells
                if own:
                    engine.docker(*removing, *own)
        if not found:
            return
    raise EngineError(f"containers, networks, volumes or images named {name} cannot be removed")


def _end_processes(folder: Path) -> None:
    """End the processes that a demo started, and what they started. On Linux, where a process can be looked at."""
    for _ in range(50):
        parents = {int(one.name): one for one in Path("/proc").glob("[0-9]*")}
        found = [pid for pid, place in parents.items() if _belongs(place, folder)]
        for pid in found:
            found += [child for child in _children(pid) if child not in found]
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return
        time.sleep(0.1)


def _belongs(process: Path, folder: Path) -> bool:
    try:
        variables = (process / "environ").read_bytes().split(b"\0")
        words = (process / "cmdline").read_bytes().split(b"\0")
        state = (process / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    below = os.fsencode(folder) + b"/"
    engine = os.fsencode(folder / "engine/daemon.json")
    mine = any(one.startswith(os.fsencode(name) + b"=" + below) for one in variables for name in _OURS)
    return state != "Z" and (mine or engine in words)


def _children(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _take_lock(folder: Path) -> IO[str] | None:
    """The folder's lock, which ends with this process; None when another process has it."""
    lock = (folder / _LOCK).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    return lock


def _write(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)


def _read(path: Path) -> dict[str, str]:
    """The environment of the engine that a demo recorded; empty when there is none."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return {str(name): str(value) for name, value in found.items()}
