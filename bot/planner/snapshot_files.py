"""Find and read a snapshot's files: through links, in batches, and with a record of every path that mattered."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from threading import Lock

from bot.git.git import GitRepository
from bot.planner.snapshot import Snapshot

_LINK = "120000"
_MAX_LINKS = 40


class OutsideError(Exception):
    """A path leads out of the checkout. `str(error)` says how; `target` is where to, "" where that is not known."""

    def __init__(self, words: str, target: str = "") -> None:
        super().__init__(words)
        self.target = target


class TooLargeError(Exception):
    """A file is larger than the limit."""


class BlobReader:
    """Contents of a snapshot's files, read once; safe between threads. Files above `largest` bytes are refused."""

    def __init__(self, snapshot: Snapshot, *, largest: int) -> None:
        self.snapshot = snapshot
        self._largest = largest
        self._contents: dict[str, bytes | None] = {}  # None: too large
        self._lock = Lock()

    def fetch(self, paths: Iterable[str]) -> None:
        """Read what is not here yet, with two git processes per repository."""
        snapshot = self.snapshot
        with self._lock:
            for repository, inside in ((snapshot.fleet, False), (snapshot.upstream, True)):
                wanted = {
                    entry.oid
                    for path in paths
                    if path.startswith(f"{snapshot.submodule}/") is inside
                    and (entry := snapshot.entries.get(path)) is not None
                    and entry.kind == "blob"
                }
                self._contents |= _read_batch(repository, sorted(wanted - set(self._contents)), self._largest)

    def read(self, path: str) -> bytes:
        """The content of the file at `path`, which is there. TooLargeError when it is too large."""
        oid = self.snapshot.entries[path].oid
        if oid not in self._contents:
            self.fetch([path])
        content = self._contents[oid]
        if content is None:
            raise TooLargeError
        return content


def _read_batch(repository: GitRepository, oids: list[str], largest: int) -> dict[str, bytes | None]:
    if not oids:
        return {}
    listing = "".join(f"{oid}\n" for oid in oids).encode()
    sizes = repository.run("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=listing).decode().split()
    size_of = {oid: int(size) for oid, size in zip(sizes[::2], sizes[1::2], strict=True)}
    small = [oid for oid in oids if size_of[oid] <= largest]
    found: dict[str, bytes | None] = dict.fromkeys(oids)
    if small:
        out = repository.run("cat-file", "--batch=", stdin="".join(f"{oid}\n" for oid in small).encode())
        at = 0
        for oid in small:
            start = out.index(b"\n", at) + 1
            at = start + size_of[oid] + 1
            found[oid] = out[start : at - 1]
    return found


class SnapshotFiles:
    """Looks into a snapshot for one stack. `looked` maps each path that mattered to what was there."""

    def __init__(self, blobs: BlobReader) -> None:
        self._blobs = blobs
        self.seen: dict[str, str] = {}

    def find(self, path: str) -> str | None:
        """Where the file or folder at `path` really stands, through links; None when nothing is there.

        `path` is relative to the checkout and normal (no `..`). Raises OutsideError when a link leads out.
        """
        left, at, links = [part for part in path.split("/") if part not in ("", ".")], "", 0
        while left:
            part = left.pop(0)
            if part == "..":
                if not at:
                    raise OutsideError("a symbolic link leads out of the checkout")
                at = posixpath.dirname(at)
                continue
            at = f"{at}/{part}" if at else part
            state = self.state_of(at)
            if not state:
                return None
            if state.startswith(_LINK):
                links += 1
                target = self._target(at)
                if links > _MAX_LINKS:
                    raise OutsideError("symbolic links lead in a circle")
                if target.startswith(("/", "~")) or "\\" in target or ":" in target or not target:
                    raise OutsideError("a symbolic link leads out of the checkout", "/".join([target, *left]))
                left = [piece for piece in target.split("/") if piece not in ("", ".")] + left
                at = posixpath.dirname(at)
        return at

    def state_of(self, path: str) -> str:
        """The state of exactly `path`: mode and id of a file or link, "folder", or "" for nothing."""
        state = describe(self._blobs.snapshot, path)
        self.seen[path] = state
        return state

    def is_folder(self, path: str) -> bool:
        """Whether a folder stands at the real path `path`."""
        return not path or self.state_of(path) == "folder"

    def read(self, path: str) -> bytes:
        """The content of the file that really stands at `path`."""
        return self._blobs.read(path)

    def _target(self, path: str) -> str:
        try:
            return self._blobs.read(path).decode("utf-8", "backslashreplace")
        except TooLargeError:
            raise OutsideError("a symbolic link is too long") from None


def describe(snapshot: Snapshot, path: str) -> str:
    """What stands at `path`, in the form that `SnapshotFiles.seen` keeps and the cache compares."""
    if path == snapshot.submodule:
        return "folder"
    entry = snapshot.entries.get(path)
    if entry is None:
        return ""
    if entry.kind == "blob":
        return f"{entry.mode}:{entry.oid}"
    return "folder" if entry.kind == "tree" else "submodule"
