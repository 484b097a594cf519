"""Read a checkout's repository, and ask git once for what a full commit name stands for, which never changes.

An order asks the same things again and again, and each answer is a process of its own. What may change, such as HEAD,
is read each time, by one process that stays: which files git reads for it, and how, is git's to know, and a container
may write them.
"""

from __future__ import annotations

import re
from pathlib import Path

from bot.domain.names import CommitSha, parse_commit_sha
from bot.git.git import GitRepository, TreeEntry

FULL_NAME = re.compile(r"[0-9a-f]{40}")


class RememberingRepository(GitRepository):
    """The repository of one checkout, which only its own order moves; for the length of that order."""

    def __init__(self, git_dir: Path) -> None:
        super().__init__(git_dir)
        self._commits: dict[str, CommitSha] = {}
        self._trees: dict[tuple[str, str, bool], tuple[TreeEntry, ...]] = {}
        self._files: dict[tuple[str, str], bytes | None] = {}
        self._changed: dict[tuple[CommitSha | None, CommitSha], tuple[str, ...]] = {}
        self._ancestors: dict[tuple[CommitSha, CommitSha], bool] = {}
        self._resolver = self.make_resolver()

    def resolve(self, revision: str) -> CommitSha | None:
        if revision in self._commits:
            return self._commits[revision]
        answer = self._resolver.ask(f"{revision}^{{commit}}")
        found = super().resolve(revision) if answer is None else parse_commit_sha(answer) if answer else None
        if found is not None and FULL_NAME.fullmatch(revision):
            self._commits[revision] = found
        return found

    def close(self) -> None:
        """End the process that resolves: until then it holds the repository's files open."""
        self._resolver.close()

    def entry(self, commit: str, path: str) -> TreeEntry | None:
        """From the list of everything, which an order needs of its commits in any case."""
        return next((entry for entry in self.list_tree(commit, recursive=True) if entry.path == path), None)

    def list_tree(self, commit: str, path: str = "", *, recursive: bool = False) -> tuple[TreeEntry, ...]:
        commit = self._full_name(commit)
        if not FULL_NAME.fullmatch(commit):
            return super().list_tree(commit, path, recursive=recursive)
        key = (commit, path, recursive)
        if key not in self._trees:
            self._trees[key] = super().list_tree(commit, path, recursive=recursive)
        return self._trees[key]

    def read_file(self, commit: str, path: str) -> bytes | None:
        commit = self._full_name(commit)
        if not FULL_NAME.fullmatch(commit):
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
        if older == newer:
            return True
        if (older, newer) not in self._ancestors:
            self._ancestors[older, newer] = super().is_ancestor(older, newer)
        return self._ancestors[older, newer]

    def _full_name(self, commit: str) -> str:
        return (self.resolve(commit) or commit) if commit == "HEAD" else commit
