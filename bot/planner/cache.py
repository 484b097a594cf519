"""Cache renderings on disk: a stack whose inputs did not change is never rendered again.

An entry holds the state of each path that was read (mode and blob id, "folder", or "" for nothing) and the rendering.
A request with the same key, over a snapshot in which all of these are the same, has the same rendering. A rendering
holds secrets, so it is stored sealed (bot.planner.sealed). Entries are files: written aside and renamed, so processes
can share the folder. Damaged ones count as misses, and the least recently used are removed when there are too many.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from bot.plan.rendering import Rendering
from bot.planner.sealed import Seal, SealError

_MAX_PER_REQUEST = 32  # pins that come and go between branches
_MAX_ENTRY = 64 * 1024 * 1024  # bytes


_decoder: msgspec.json.Decoder[Rendering] = msgspec.json.Decoder(Rendering)


class Kept(NamedTuple):
    """A kept rendering, and the state of each path that was read for it."""

    seen: Mapping[str, str]
    rendering: Rendering

    def is_of(self, describe: Callable[[str], str]) -> bool:
        """Whether it is that of a snapshot, too, in which `describe(path)` is the state of a path."""
        return all(describe(name) == state for name, state in self.seen.items())


class RenderCache:
    """Renderings below `root`, at most about `max_bytes` altogether."""

    def __init__(self, root: Path, *, key: bytes, max_bytes: int = 256 * 1024 * 1024) -> None:
        self._root = root
        self._seal = Seal(key)
        self._max_bytes = max_bytes
        self._stored = 0
        root.mkdir(parents=True, exist_ok=True)
        self._shrink()

    def find(self, key: str, describe: Callable[[str], str]) -> Kept | None:
        """The rendering stored under `key` whose inputs `describe(path)` still confirms, or None."""
        for path in self._entries(key):
            kept = self._read(path, describe)
            if kept is not None:
                with contextlib.suppress(OSError):
                    os.utime(path)  # used now: the last to be removed
                return kept
        return None

    def store(self, key: str, seen: Mapping[str, str], rendering: Rendering) -> None:
        """Keep `rendering`. A full disk or a lost race is no error: it will be rendered again."""
        inputs = msgspec.json.encode(dict(sorted(seen.items())))
        body = self._seal.close(msgspec.json.encode(rendering))
        digest = hashlib.sha256(inputs + b"\n" + body).hexdigest().encode()
        folder = self._root / key[:2] / key[2:]
        name = hashlib.sha256(inputs).hexdigest()[:32]
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".new-", delete=False) as file:
                file.write(b"\n".join((digest, inputs, body)))
            Path(file.name).replace(folder / f"{name}.entry")
        for old in list(self._entries(key))[_MAX_PER_REQUEST:]:
            old.unlink(missing_ok=True)
        self._stored += len(body)
        if self._stored > self._max_bytes // 8:
            self._shrink()

    def _entries(self, key: str) -> Iterator[Path]:
        """Entries of one key, the last used first."""
        dated = []
        with contextlib.suppress(OSError):
            for entry in os.scandir(self._root / key[:2] / key[2:]):
                if entry.name.endswith(".entry"):
                    with contextlib.suppress(OSError):
                        dated.append((-entry.stat().st_mtime_ns, entry.path))
        return (Path(path) for _, path in sorted(dated))

    def _shrink(self) -> None:
        self._stored = 0
        dated = []
        for path in self._root.glob("*/*/*"):
            with contextlib.suppress(OSError):
                facts = path.stat()
                dated.append((facts.st_mtime_ns, facts.st_size, path))
        total = sum(size for _, size, _ in dated)
        for _, size, path in sorted(dated):
            if total <= self._max_bytes:
                break
            path.unlink(missing_ok=True)
            total -= size

    def _read(self, path: Path, describe: Callable[[str], str]) -> Kept | None:
        try:
            with path.open("rb") as file:
                digest, inputs = file.readline().strip(), file.readline().rstrip(b"\n")
                seen = msgspec.json.decode(inputs, type=dict[str, str])
                if any(describe(name) != state for name, state in seen.items()):
                    return None
                body = file.read(_MAX_ENTRY)
            if hashlib.sha256(inputs + b"\n" + body).hexdigest().encode() != digest:
                path.unlink(missing_ok=True)
                return None
            return Kept(seen, _decoder.decode(self._seal.open(body)))
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, SealError):
            return None


def sweep(work: Path) -> None:
    """Remove what a killed process left behind."""
    work.mkdir(parents=True, exist_ok=True)
    for folder in work.iterdir():
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > 3600:
                shutil.rmtree(folder)
