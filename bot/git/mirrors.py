"""All mirrors of this machine: their size is bounded, a damaged one is thrown away, and processes keep out of each
other's way.

Throwing a mirror away costs a clone when it is needed again, and nothing else: GitHub has everything.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from bot.domain.names import RepoName
from bot.git.git import GitError, GitRepository, Mirror

IN_USE = 3600  # seconds since its last fetch in which nobody throws a mirror away: somebody may be reading it

_LOG = logging.getLogger("bot.mirrors")


@dataclass(frozen=True)
class Mirrors:
    """The mirrors below `root` of repositories at `web_url` (https://github.com, or an Enterprise Server's)."""

    root: Path
    web_url: str

    def of(self, repo: RepoName) -> Mirror:
        """The mirror of `repo`; it exists from its first fetch on."""
        return Mirror(self.root / f"{repo}.git", f"{self.web_url}/{repo}.git")


def measure(root: Path) -> int:
    """Bytes below `root`; what vanishes meanwhile counts nothing."""
    total = 0
    for folder, _, files in os.walk(root):
        for name in files:
            with contextlib.suppress(OSError):
                total += (Path(folder) / name).lstat().st_size
    return total


def throw_damaged_away(mirrors: Iterable[GitRepository]) -> tuple[str, ...]:
    """Look through every object of `mirrors` and remove those that lack some; their names."""
    gone = []
    for mirror in mirrors:
        with _lock(mirror.git_dir):
            if mirror.git_dir.exists() and not mirror.is_sound():
                _remove(mirror.git_dir)
                gone.append(mirror.git_dir.name)
    return tuple(gone)


def tidy(root: Path, *, most_bytes: int, in_use: float = IN_USE) -> int:
    """Pack what is loose, then throw away the mirrors not fetched for longest until `most_bytes` suffice.

    The bytes in use afterwards. A mirror that is being fetched, or was within `in_use` seconds, stays.
    """
    dated = []
    for git_dir in root.glob("*/*.git"):
        with contextlib.suppress(OSError):
            dated.append((_used(git_dir), git_dir))
    sizes = {git_dir: _pack(git_dir) for _, git_dir in dated}
    total = sum(sizes.values())
    for used, git_dir in sorted(dated):
        if total <= most_bytes or time.time() - used < in_use:
            break
        with contextlib.suppress(Timeout), _lock(git_dir, timeout=0):
            _remove(git_dir)
            total -= sizes[git_dir]
            _LOG.info("mirror %s was thrown away: over %d bytes altogether", git_dir.name, most_bytes)
    for left in root.glob("*/.gone-*"):
        shutil.rmtree(left, ignore_errors=True)
    return total


def _pack(git_dir: Path) -> int:
    with contextlib.suppress(Timeout, GitError), _lock(git_dir, timeout=0):
        GitRepository(git_dir).run("gc", "--auto", "--quiet")
    return measure(git_dir)


def _used(git_dir: Path) -> float:
    """When it was last fetched: its lock was taken then."""
    lock = Path(f"{git_dir}.lock")
    return (lock if lock.exists() else git_dir).stat().st_mtime


def _lock(git_dir: Path, timeout: float = -1) -> FileLock:
    return FileLock(f"{git_dir}.lock", timeout=timeout)


def _remove(git_dir: Path) -> None:
    """Out of the way at once, then file by file: nobody ever sees half a mirror."""
    aside = git_dir.with_name(f".gone-{uuid.uuid4().hex}")
    git_dir.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)
