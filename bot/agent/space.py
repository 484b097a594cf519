"""Check the free space on the disks of the checkout, the node's folder and the engine."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from bot.agent.errors import OrderFailedError
from bot.engine.docker import DockerError
from bot.protocol.outcome import DiskSpace, FailureReason

MIB = 1024**2


class MinimumSpace(NamedTuple):
    """Bytes that must be free before anything is touched."""

    files: int = 100 * MIB  # where the checkout and the node's own folder are
    engine: int = 500 * MIB  # where the engine keeps images and containers


MINIMUM_SPACE = MinimumSpace()


def check_space(folders: Iterable[Path], minimum: MinimumSpace = MINIMUM_SPACE, *, engine: Path | None = None) -> str:
    """What is free, in one line, or OrderFailedError with each disk that is too full.

    `engine` is the folder of this machine in which the engine keeps its images, if it does.
    """
    wanted = [(_existing(folder), minimum.files, "make room there") for folder in folders]
    if engine is not None:
        wanted.append((engine, minimum.engine, "`docker image prune` may help"))
    full, lines = [], []
    for place, needed, remedy in wanted:
        free = shutil.disk_usage(place).free
        lines.append(f"{free // MIB} MiB free at {place}")
        if free < needed:
            full.append(f"{free // MIB} MiB free at {place}, and {needed // MIB} MiB are needed: {remedy}")
    if full:
        raise OrderFailedError(FailureReason.DISK, "; ".join(dict.fromkeys(full)))
    return ", ".join(dict.fromkeys(lines))


def read_space(checkout: Path, find_images: Callable[[], Path | None]) -> tuple[DiskSpace, ...]:
    """The disks that a deploy fills: the checkout's, and that of the engine's images if it is on this machine.

    One that cannot be read is left out: a report does without.
    """
    try:
        images = find_images()
    except (DockerError, OSError):
        images = None
    uses: dict[int, list[str]] = {}
    found: dict[int, DiskSpace] = {}
    for use, named in (("checkout", checkout), ("images", images)):
        if named is None:
            continue
        with contextlib.suppress(OSError):
            folder = _existing(named) if use == "checkout" else named
            disk, usage = folder.stat().st_dev, shutil.disk_usage(folder)
            uses.setdefault(disk, []).append(use)
            found[disk] = DiskSpace(use=" and ".join(uses[disk]), free=usage.free, size=usage.total)
    return tuple(found.values())


def _existing(folder: Path) -> Path:
    """The folder itself, or the nearest one above that exists."""
    while not folder.exists():
        folder = folder.parent
    return folder
