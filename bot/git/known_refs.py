"""Read a mirror's branches once, and again when the file of one of its refs has changed.

Nearly every job resolves a branch or two, and each answer would be a process of git. Which commits the branches name
is git's to say: what is looked at here is whether it would say the same. It writes a ref's file by renaming a new one
over it, so that the file's inode and times change with each write.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from pathlib import Path
from types import MappingProxyType

from bot.domain.names import CommitSha
from bot.git.git import GitError, GitRepository

HEADS = "refs/heads/"
MOST = 200  # refs of a mirror that are remembered; of one with more, git reads them each time

_Refs = tuple[tuple[str, int, int], ...]  # each file that holds refs: its path, inode and time of change in ns


def find_heads(git_dir: Path) -> Mapping[str, CommitSha] | None:
    """Every branch of the mirror by its full name, refs/heads/main; None where git has to read them each time."""
    try:
        found = _find_files(git_dir)
        return _heads(git_dir, found) if found else None
    except (OSError, GitError):
        return None


def _find_files(git_dir: Path) -> _Refs:
    """Identifies what the refs are now. Empty: there are too many, or git keeps them in another format.

    A repository of reftables has a `refs/heads` as well, which is one file and never changes.
    """
    if (git_dir / "reftable").exists():
        return ()
    files: list[tuple[str, int, int]] = []
    folders = [git_dir / "refs"]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in islice(entries, MOST + 1):
                if entry.is_symlink():
                    return ()
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                else:
                    files.append(_identify(entry.path, entry.stat(follow_symlinks=False)))
        if len(files) + len(folders) > MOST:
            return ()
    packed = git_dir / "packed-refs"
    if packed.exists():
        files.append(_identify(str(packed), packed.stat()))
    return tuple(sorted(files))


def _identify(path: str, found: os.stat_result) -> tuple[str, int, int]:
    return path, found.st_ino, found.st_ctime_ns


@lru_cache(maxsize=256)
def _heads(git_dir: Path, files: _Refs) -> Mapping[str, CommitSha] | None:  # noqa: ARG001 - read again where it changes
    found = GitRepository(git_dir).list_refs(HEADS)
    return MappingProxyType(found) if len(found) <= MOST else None
