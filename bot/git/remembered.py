"""Read a checkout's repository, and ask git once for what cannot have changed since.

An order asks the same things again and again, and each answer is a process of its own. What a full commit name stands
for never changes. HEAD and the clone's settings are small files: an answer counts for as long as they read the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from bot.domain.names import CommitSha
from bot.git.git import GitRepository, TreeEntry

_FULL_NAME = re.compile(r"[0-9a-f]{40}")
_MOST = 1024**2  # bytes of a configuration; a longer one is read by git each time
_GITDIR, _REF = b"gitdir: ", b"ref: "


class RememberingRepository(GitRepository):
    """The repository of one checkout, which only its own order moves; for the length of that order."""

    def __init__(self, git_dir: Path) -> None:
        super().__init__(git_dir)
        self._commits: dict[str, CommitSha] = {}
        self._trees: dict[tuple[str, str, bool], tuple[TreeEntry, ...]] = {}
        self._files: dict[tuple[str, str], bytes | None] = {}
        self._changed: dict[tuple[CommitSha | None, CommitSha], tuple[str, ...]] = {}
        self._ancestors: dict[tuple[CommitSha, CommitSha], bool] = {}
        self._head: tuple[bytes, CommitSha | None] = (b"", None)

    def resolve(self, revision: str) -> CommitSha | None:
        if revision == "HEAD":
            return self._resolve_head()
        found = self._commits.get(revision) or super().resolve(revision)
        if found is not None and _FULL_NAME.fullmatch(revision):
            self._commits[revision] = found
        return found

    def _resolve_head(self) -> CommitSha | None:
        now = read_head(self.git_dir)
        if not now or self._head[0] != now:
            self._head = (now, super().resolve("HEAD"))
        return self._head[1]

    def list_tree(self, commit: str, path: str = "", *, recursive: bool = False) -> tuple[TreeEntry, ...]:
        commit = self._full_name(commit)
        if not _FULL_NAME.fullmatch(commit):
            return super().list_tree(commit, path, recursive=recursive)
        key = (commit, path, recursive)
        if key not in self._trees:
            self._trees[key] = super().list_tree(commit, path, recursive=recursive)
        return self._trees[key]

    def read_file(self, commit: str, path: str) -> bytes | None:
        commit = self._full_name(commit)
        if not _FULL_NAME.fullmatch(commit):
            return super().read_file(commit, path)
        key = (commit, path)
        if key not in self._files:
            self._files[key] = super().read_file(commit, path)
        return self._files[key]

    def changed_files(self, old: CommitSha | None, new: CommitSha) -> tuple[str, ...]:
        if (old, new) not in self._changed:
            self._changed[old, new] = super().changed_files(old, new)
        return self._changed[old, new]

    def is_ancestor(self, older: CommitSha, newer: CommitSha) -> bool:
        if (older, newer) not in self._ancestors:
            self._ancestors[older, newer] = super().is_ancestor(older, newer)
        return self._ancestors[older, newer]

    def _full_name(self, commit: str) -> str:
        return (self.resolve(commit) or commit) if commit == "HEAD" else commit


def read_head(git_dir: Path) -> bytes:
    """What HEAD and the branch it names hold, as files; b"" where only git itself can tell which commit that is."""
    try:
        head = _read_short(git_dir / "HEAD")
        if not head.startswith(_REF):
            return head if _is_commit(head) else b""
        name = head.removeprefix(_REF).strip().decode()
        if not name.startswith("refs/heads/") or ".." in name:
            return b""
        commit = _read_short(git_dir / name)
    except (OSError, ValueError):
        return b""
    return head + commit if _is_commit(commit) else b""


def _read_short(path: Path, most: int = 1000) -> bytes:
    with path.open("rb") as file:
        return file.read(most)


def _is_commit(text: bytes) -> bool:
    return _FULL_NAME.fullmatch(text.decode("ascii", "replace").rstrip("\n")) is not None


class RememberedSettings:
    """The settings that count in the checkout at `folder`, read again whenever the clone's own may have changed."""

    def __init__(self, folder: Path, read: Callable[[], str]) -> None:
        self._folder = folder
        self._read = read
        self._known: tuple[bytes, str] = (b"", "")

    def listed(self) -> str:
        """What `read` returns, or returned while the clone's own configuration was the same as now."""
        before = read_own_settings(self._folder)
        if before and self._known[0] == before:
            return self._known[1]
        listed = self._read()
        # Only what was there before and after is what git has read.
        self._known = (before if before == read_own_settings(self._folder) else b"", listed)
        return listed


def read_own_settings(folder: Path) -> bytes:
    """The files in which the clone at `folder` has its own settings; b"" where others may count as well."""
    place = folder / ".git"
    try:
        link = b"" if place.is_dir() else _read_short(place)
        if not place.is_dir():
            if not link.startswith(_GITDIR):
                return b""
            place = folder / link.removeprefix(_GITDIR).rstrip(b"\n").decode()
        if (place / "commondir").exists():  # a linked work tree: its settings are those of another folder
            return b""
        files = []
        for name in ("config", "config.worktree"):
            path = place / name
            files.append(_read_short(path, _MOST) if path.is_file() else b"")
    except (OSError, ValueError):
        return b""
    # An include brings in other files, and needs no change of these to bring in others.
    is_known = max(map(len, files)) < _MOST and not any(b"include" in file.lower() for file in files)
    return b"\0".join((link, *files, b"")) if is_known else b""
