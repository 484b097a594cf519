"""Whether there is room for what an order brings, on the disks of the checkout, the node's folder and the engine."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from bot.agent.docker import Docker
from bot.agent.failures import OrderFailedError
from bot.protocol.outcome import FailureReason

MIB = 1024**2


class Least(NamedTuple):
    """Bytes that must be free before anything is touched."""

    files: int = 100 * MIB  # where the checkout and the node's own folder are
    engine: int = 500 * MIB  # where the engine keeps images and containers


LEAST = Least()


def check_space(docker: Docker, folders: Iterable[Path], least: Least = LEAST, *, engine: bool = True) -> str:
    """What is free, in a line, or OrderFailedError naming each disk that is too full; none of an engine elsewhere."""
    wanted = [(_existing(folder), least.files, "make room there") for folder in folders]
    store = docker.store() if engine else None
    if store is not None:
        wanted.append((store, least.engine, "`docker image prune` may help"))
    short, told = [], []
    for place, needed, cure in wanted:
        free = shutil.disk_usage(place).free
        told.append(f"{free // MIB} MiB free at {place}")
        if free < needed:
            short.append(f"{free // MIB} MiB free at {place}, and {needed // MIB} MiB are needed: {cure}")
    if short:
        raise OrderFailedError(FailureReason.DISK, "; ".join(dict.fromkeys(short)))
    return ", ".join(dict.fromkeys(told))


def _existing(folder: Path) -> Path:
    """The folder itself, or the nearest one above that exists."""
    while not folder.exists():
        folder = folder.parent
    return folder
