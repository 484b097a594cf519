"""Remember git's answers, so that a history of hundreds of looks starts it less.

Nothing is answered here that git did not answer about the same repository before. What a commit, a tree or a file
holds, and how commits descend from each other, never changes; what a branch is changes with the repository's
references alone. A question that fails goes to git each time, unless it is what a reference names. A fetch is left
out when no reference of the repository that it reads has moved since the same one: then it brings nothing; else it
reads from the repository's folder, not by HTTP. (Who may read is not asked again: not for tests in which that
changes.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from bot.domain.names import CommitSha
from bot.features.bump import pull as bump_pull
from bot.features.fleets import read as fleets_read
from bot.features.rollout.read import approval as rollout_approval
from bot.fleetfile import parse_fleet
from bot.git import git, mirrors, remote_refs
from sandbox.references import Reference, read_references

_VERBS = {
    "cat-file",
    "diff-tree",
    "for-each-ref",
    "log",
    "ls-tree",
    "merge-base",
    "merge-tree",
    "rev-list",
    "rev-parse",
}
_Key = tuple[object, ...]
_parse_fleet = cache(parse_fleet)
_NAMED_IN_FULL = re.compile(r"[0-9a-f]{40}(\.\.[0-9a-f]{40}|\^\{(commit|tree)\})?")


def is_fixed(arguments: Sequence[str]) -> bool:
    """Whether git's answer to `arguments` (verb first) can never change: each revision is a full name."""
    verb, rest = arguments[0], list(arguments[1:])
    if "--" in rest:
        rest = rest[: rest.index("--")]
    named = [one for one in rest if not one.startswith("-") and (verb, one) != ("cat-file", "blob")]
    return verb in _VERBS and bool(named) and all(_NAMED_IN_FULL.fullmatch(one) for one in named)


def _is_of_references(arguments: Sequence[str]) -> bool:
    """Whether the question is what a reference names: only a change of the references answers it otherwise."""
    return arguments[0] == "rev-parse" and arguments[-1].startswith("refs/")


class _Remembered:
    """Git's own answers, and what each repository's references were when it gave them."""

    def __init__(self, served: Path) -> None:
        self._served = served
        self._run, self._descends = git._run, git.GitRepository.is_ancestor
        self._known: dict[_Key, bytes] = {}
        self._missing: dict[_Key, git.GitError] = {}
        self._fetched: dict[_Key, frozenset[Reference]] = {}
        self._descent: dict[_Key, bool] = {}
        self._list = remote_refs.list_remote_refs
        self._listed: dict[_Key, Mapping[str, CommitSha]] = {}

    def is_ancestor(self, repository: git.GitRepository, older: CommitSha, newer: CommitSha) -> bool:
        """As GitRepository.is_ancestor."""
        key = (repository.git_dir, (repository.git_dir / "HEAD").stat().st_ino, older, newer)
        if key not in self._descent:
            self._descent[key] = self._descends(repository, older, newer)
        return self._descent[key]

    def list_remote_refs(
        self, url: str, token: str | None, prefixes: Sequence[str]
    ) -> Mapping[str, CommitSha] | None:
        """As remote_refs.list_remote_refs."""
        now = read_references(self._served / urlsplit(url).path.lstrip("/"))
        key = (url, tuple(prefixes), now)
        if key not in self._listed:
            found = self._list(url, token, prefixes)
            if not now or found is None:
                return found
            self._listed[key] = found
        return self._listed[key]

    def run(self, command: list[str], *, environment: Mapping[str, str], **more: Any) -> bytes:
        """As git._run."""
        head = Path(command[2], "HEAD")
        if command[1] != "--git-dir" or more.get("stdin") is not None or not head.exists():
            return self._run(command, environment=environment, **more)
        made = head.stat()  # a repository that was made again is another one
        key = (*command, made.st_ino, made.st_mtime_ns)
        url = next((one for one in command[4:] if one.startswith("http://")), "")
        if command[3] == "fetch" and url:
            origin = self._served / urlsplit(url).path.lstrip("/")
            now = read_references(origin)
            if not now or self._fetched.get(key) != now:
                near = [str(origin) if now and one == url else one for one in command]
                self._run(near, environment=environment, **more)
                self._fetched[key] = now
            return b""
        if command[3] not in _VERBS:
            return self._run(command, environment=environment, **more)
        key += tuple(sorted(environment.items()))
        if not is_fixed(command[3:]):
            key += (read_references(Path(command[2])),)
        return self._answer(key, command, environment, more)

    def _answer(self, key: _Key, command: list[str], environment: Mapping[str, str], more: dict[str, Any]) -> bytes:
        if key in self._missing:
            raise self._missing[key]
        if key not in self._known:
            try:
                self._known[key] = self._run(command, environment=environment, **more)
            except git.GitError as problem:
                if _is_of_references(command[3:]):
                    self._missing[key] = problem
                raise
        return self._known[key]


@contextmanager
def remembered_git(served: Path) -> Iterator[None]:
    """Within the block git answers the same question once. `served`: where the repositories on GitHub are kept."""
    remembered = _Remembered(served)

    def is_ancestor(self: git.GitRepository, older: CommitSha, newer: CommitSha) -> bool:
        return remembered.is_ancestor(self, older, newer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(git, "_run", remembered.run)
        patch.setattr(mirrors, "list_remote_refs", remembered.list_remote_refs)
        patch.setattr(git.GitRepository, "is_ancestor", is_ancestor)
        yield


@contextmanager
def parsed_once() -> Iterator[None]:
    """Parse each text of a fleet file once: it is parsed by every job, and changes in no history."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (fleets_read, rollout_approval, bump_pull):
            patch.setattr(module, "parse_fleet", _parse_fleet)
        yield
