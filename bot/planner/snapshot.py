"""A fleet repository at one commit with one submodule at one pin, read straight from git.

This is what a node's checkout will look like, without checking anything out: paths are POSIX and relative to
the fleet repository's root, and the submodule's files appear under its path. Files are written to disk only
when compose has to read them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

from bot.domain.names import CommitSha, SubmodulePath
from bot.git.git import GitRepository, TreeEntry
from bot.protocol.tree import TreeFile

_PARTS = ("fleet", "commit", "submodule", "upstream", "pin")


class Snapshot:
    """`fleet` at `commit`, holding `upstream` at `pin` under `submodule`."""

    def __init__(
        self,
        *,
        fleet: GitRepository,
        commit: CommitSha,
        submodule: SubmodulePath,
        upstream: GitRepository,
        pin: CommitSha,
    ) -> None:
        self.fleet = fleet
        self.commit = commit
        self.submodule = submodule
        self.upstream = upstream
        self.pin = pin

    def __getstate__(self) -> dict[str, Any]:
        """For a child: what was read of it is read there again."""
        return {name: value for name, value in self.__dict__.items() if name in _PARTS}

    @cached_property
    def entries(self) -> dict[str, TreeEntry]:
        """Every file, link and folder by its path; other submodules appear as empty commits."""
        with ThreadPoolExecutor(1, thread_name_prefix="list") as pool:  # both at the same time
            below = pool.submit(self.upstream.list_tree, self.pin, recursive=True)
            own = {entry.path: entry for entry in self.fleet.list_tree(self.commit, recursive=True)}
        for entry in below.result():
            path = f"{self.submodule}/{entry.path}"
            own[path] = TreeEntry(entry.mode, entry.kind, entry.oid, path)
        return own

    @property
    def files(self) -> Iterator[TreeFile]:
        """Every file, link and submodule, as a node sees them (bot.agent.checkout)."""
        return (TreeFile(e.path, e.mode, e.oid) for e in self.entries.values() if e.kind != "tree")

    @cached_property
    def links(self) -> tuple[str, ...]:
        """Every symbolic link."""
        return tuple(path for path, entry in self.entries.items() if entry.mode == "120000")

    @cached_property
    def blobs(self) -> tuple[str, ...]:
        """The path of every file and link, sorted."""
        return tuple(sorted(path for path, entry in self.entries.items() if entry.kind == "blob"))

    def oid(self, path: str) -> str | None:
        """What identifies the content at `path`: a blob or tree id, or None when nothing is there.

        The submodule's own root is identified by the tree of its pin. A folder of the fleet repository that
        contains the submodule has the id of the fleet's tree, in which the pin does not count.
        """
        if path == self.submodule:
            return self.upstream.tree_of(self.pin)
        entry = self.entries.get(path)
        return entry.oid if entry else None

    def read(self, path: str) -> bytes | None:
        """The content of the file at `path` (of a symlink: its target), or None when no file is there."""
        entry = self.entries.get(path)
        if entry is None or entry.kind != "blob":
            return None
        return self._repository(path).run("cat-file", "blob", entry.oid)

    def files_under(self, folder: str) -> tuple[str, ...]:
        """Every file below `folder` ("" for all), sorted."""
        if not folder:
            return self.blobs
        after = folder + chr(ord("/") + 1)  # sorts just behind everything below the folder
        return self.blobs[bisect_left(self.blobs, f"{folder}/") : bisect_left(self.blobs, after)]

    def _repository(self, path: str) -> GitRepository:
        return self.upstream if path.startswith(f"{self.submodule}/") else self.fleet
