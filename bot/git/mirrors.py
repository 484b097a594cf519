"""Fetch bare mirrors, keep them within a size, and remove damaged ones; safe between processes.

Removing a mirror costs a clone when it is needed again, and nothing else: GitHub has everything.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from bot.domain.names import CommitSha, PullNumber, RepoName
from bot.git.credentials import token_environment
from bot.git.git import GitError, GitRepository, GitUnavailable, TreeEntry, init_bare
from bot.git.known_refs import HEADS, find_heads
from bot.git.moves import follow_renames
from bot.git.reasons import is_unavailable
from bot.git.remembered import FULL_NAME
from bot.git.remote_refs import list_remote_refs

IN_USE = 3600  # seconds after its last fetch for which a mirror is kept: it may still be read

_LOG = logging.getLogger("bot.mirrors")


_OUTAGE = 60  # seconds until the next request to a server that is away
_STALE = 60  # seconds after which a lock inside a mirror was left by a process that is gone


class Mirror(GitRepository):
    """A bare mirror that is fetched repeatedly; safe between threads and processes."""

    def __init__(self, git_dir: Path, url: str) -> None:
        super().__init__(git_dir)
        self.url = url

    def __reduce__(self) -> tuple[type[GitRepository], tuple[Path]]:
        """To read it is all that another process gets it for: a child of each plan would load what fetches need."""
        return GitRepository, (self.git_dir,)

    # What full commit names stand for never changes: git runs once for each answer. A branch's changes with its file.

    def resolve(self, revision: str) -> CommitSha | None:
        if revision.startswith(HEADS):
            heads = find_heads(self.git_dir)
            return heads[revision] if heads and revision in heads else super().resolve(revision)
        place = _find_place(self.git_dir, revision) if FULL_NAME.fullmatch(revision) else None
        if place is None:
            return super().resolve(revision)
        try:
            return _commit(self.git_dir, place, revision)
        except LookupError:
            return None

    def entry(self, commit: str, path: str) -> TreeEntry | None:
        return _entry(self.git_dir, commit, path) if FULL_NAME.fullmatch(commit) else super().entry(commit, path)

    def last_change(self, commit: str, path: str) -> CommitSha | None:
        full = FULL_NAME.fullmatch(commit)
        return _last_change(self.git_dir, commit, path) if full else super().last_change(commit, path)

    def merge_base(self, one: str, other: str) -> CommitSha | None:
        if not (FULL_NAME.fullmatch(one) and FULL_NAME.fullmatch(other)):
            return super().merge_base(one, other)
        try:
            return _merge_base(self.git_dir, one, other)
        except LookupError:
            return None

    def changed_files(self, old: CommitSha | None, new: CommitSha) -> tuple[str, ...]:
        return _changed_files(self.git_dir, old, new)

    def fetch(self, token: str | None, *, pull: PullNumber | None = None, repair: bool = True) -> None:
        """Bring every branch up to date, and the head of pull request `pull`, which may live in a fork.

        With `repair` a damaged mirror is removed and cloned again. Raises GitUnavailable when the server is away.
        """
        try:
            self._fetch_alone(token, pull, repair=repair)
        except GitError as problem:
            if is_unavailable(str(problem)):
                raise GitUnavailable(str(problem), seconds=_OUTAGE) from None
            raise

    def _fetch_alone(self, token: str | None, pull: PullNumber | None, *, repair: bool) -> None:
        """Fetch while nobody else does: the mirror's lock is held."""
        more = (f"refs/pull/{pull}/head",) if pull is not None else ()
        self.git_dir.parent.mkdir(parents=True, exist_ok=True)
        lock = Path(f"{self.git_dir}.lock")
        with FileLock(lock):
            os.utime(lock)  # used now: the last to be removed
            if self._is_current(token, more):
                return
            try:
                self._fetch(token, more)
            except GitError:
                if not repair or not self.git_dir.exists():
                    raise
                if not self._drop_stale_locks():
                    if self.is_sound():
                        raise
                    shutil.rmtree(self.git_dir)
                self._fetch(token, more)

    def _is_current(self, token: str | None, more: Sequence[str]) -> bool:
        """Whether every branch here, and each ref of `more`, is what the server has: then a fetch changes nothing."""
        if not (self.git_dir / "HEAD").exists():
            return False
        there = list_remote_refs(self.url, token, (HEADS, *more))
        heads = None if more else find_heads(self.git_dir)
        return there is not None and there == (heads if heads is not None else self.list_refs(HEADS, *more))

    def _drop_stale_locks(self) -> bool:
        """Remove locks that a power cut left; nothing else writes here while we hold the mirror's own lock."""
        stale = [path for path in self.find_locks() if time.time() - path.stat().st_mtime > _STALE]
        for path in stale:
            path.unlink(missing_ok=True)
        return bool(stale)

    def _fetch(self, token: str | None, more: Sequence[str]) -> None:
        if not (self.git_dir / "HEAD").exists():
            init_bare(self.git_dir)
        command = ("fetch", "--quiet", "--prune", "--no-tags", "--no-write-fetch-head", "--force")
        refs = ("+refs/heads/*:refs/heads/*", *(f"+{ref}:{ref}" for ref in more))
        server = "{0.scheme}://{0.netloc}".format(urlsplit(self.url))
        follow_renames(
            # Without maintenance, which takes time after each fetch: `shrink` packs.
            lambda environment: self.run(*command, "--no-auto-maintenance", self.url, *refs, environment=environment),
            token_environment(token, server=server),
            token=token,
            server=server,
        )


# Each answer is a process of git, and a command asks for the same commits again and again.


_Place = tuple[int, int]


def _find_place(git_dir: Path, name: str) -> _Place | None:
    """Identifies where an object lies: its own file, else the packs as they are. It is not gone while that is so."""
    objects = git_dir / "objects"
    for place in (objects / name[:2] / name[2:], objects / "pack"):
        with contextlib.suppress(OSError):
            found = place.stat()
            return found.st_ino, found.st_mtime_ns
    return None


@lru_cache(maxsize=1024)
def _commit(git_dir: Path, place: _Place, name: str) -> CommitSha:  # noqa: ARG001 - asked again where it changes
    found = GitRepository(git_dir).resolve(name)
    if found is None:  # not kept: a fetch may bring it
        raise LookupError
    return found


@lru_cache(maxsize=1024)
def _entry(git_dir: Path, commit: str, path: str) -> TreeEntry | None:
    return GitRepository(git_dir).entry(commit, path)


@lru_cache(maxsize=1024)
def _last_change(git_dir: Path, commit: str, path: str) -> CommitSha | None:
    return GitRepository(git_dir).last_change(commit, path)


@lru_cache(maxsize=1024)
def _merge_base(git_dir: Path, one: str, other: str) -> CommitSha:
    found = GitRepository(git_dir).merge_base(one, other)
    if found is None:  # not kept: one of the two may still be missing here
        raise LookupError
    return found


@lru_cache(maxsize=32)  # few: an answer may name thousands of files
def _changed_files(git_dir: Path, old: CommitSha | None, new: CommitSha) -> tuple[str, ...]:
    return GitRepository(git_dir).changed_files(old, new)


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


def remove_damaged(mirrors: Iterable[GitRepository]) -> tuple[str, ...]:
    """Check every object of `mirrors`, and remove those that are incomplete; their names."""
    gone = []
    for mirror in mirrors:
        with _lock(mirror.git_dir):
            if mirror.git_dir.exists() and not mirror.is_sound():
                _remove(mirror.git_dir)
                gone.append(mirror.git_dir.name)
    return tuple(gone)


def shrink(root: Path, *, max_bytes: int, in_use: float = IN_USE) -> int:
    """Pack loose objects, then remove the mirrors not fetched for longest, until `max_bytes` suffice.

    Returns the bytes in use afterwards. A mirror that is being fetched, or was within `in_use` seconds, stays.
    """
    dated = []
    for git_dir in root.glob("*/*.git"):
        with contextlib.suppress(OSError):
            dated.append((_used(git_dir), git_dir))
    sizes = {git_dir: _pack(git_dir) for _, git_dir in dated}
    total = sum(sizes.values())
    for used, git_dir in sorted(dated):
        if total <= max_bytes or time.time() - used < in_use:
            break
        with contextlib.suppress(Timeout), _lock(git_dir, timeout=0):
            _remove(git_dir)
            total -= sizes[git_dir]
            _LOG.info("mirror %s was removed: all of them exceed %d bytes", git_dir.name, max_bytes)
    for left in root.glob("*/.gone-*"):
        shutil.rmtree(left, ignore_errors=True)
    return total


def _pack(git_dir: Path) -> int:
    with contextlib.suppress(Timeout, GitError), _lock(git_dir, timeout=0):
        GitRepository(git_dir).run("gc", "--auto", "--quiet")
    return measure(git_dir)


def _used(git_dir: Path) -> float:
    """When it was last fetched: that touches its lock."""
    lock = Path(f"{git_dir}.lock")
    return (lock if lock.exists() else git_dir).stat().st_mtime


def _lock(git_dir: Path, timeout: float = -1) -> FileLock:
    return FileLock(f"{git_dir}.lock", timeout=timeout)


def _remove(git_dir: Path) -> None:
    """Rename it, then remove it file by file, so that half a mirror is never seen."""
    aside = git_dir.with_name(f".gone-{uuid.uuid4().hex}")
    git_dir.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)
