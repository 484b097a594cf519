"""Remember git's answers, so that a history of hundreds of looks starts it less.

Nothing is answered here that git did not answer about the same repository before. What a commit, a tree or a file
holds, and how commits descend from each other, never changes; what a branch is changes with the repository's
references alone. A question that fails goes to git each time. A fetch is left out when no reference of the repository
that it reads has moved since the same one: then it brings nothing. (Who may read is not asked again: not for tests in
which that changes.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from bot.domain.names import CommitSha
from bot.git import git

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
_NAMED_IN_FULL = re.compile(r"[0-9a-f]{40}(\.\.[0-9a-f]{40}|\^\{(commit|tree)\})?")


def is_fixed(arguments: Sequence[str]) -> bool:
    """Whether git's answer to `arguments` (verb first) can never change: each revision is a full name."""
    verb, rest = arguments[0], list(arguments[1:])
    if "--" in rest:
        rest = rest[: rest.index("--")]
    named = [one for one in rest if not one.startswith("-") and (verb, one) != ("cat-file", "blob")]
    return verb in _VERBS and bool(named) and all(_NAMED_IN_FULL.fullmatch(one) for one in named)


def read_references(repository: Path) -> frozenset[tuple[str, int, bytes]]:
    """Every reference of a bare repository as its files hold it, with the time of each."""
    files = [path for path in (repository / "refs").rglob("*") if path.is_file()]
    files += [path for path in (repository / "packed-refs",) if path.exists()]
    return frozenset((str(path), path.stat().st_mtime_ns, path.read_bytes()) for path in files)


@contextmanager
def remembered_git(served: Path) -> Iterator[None]:
    """Within the block git answers the same question once. `served`: where the repositories on GitHub are kept."""
    known: dict[tuple[object, ...], bytes] = {}
    fetched: dict[tuple[object, ...], frozenset[tuple[str, int, bytes]]] = {}
    run, descends = git._run, git.GitRepository.is_ancestor
    descent: dict[tuple[object, ...], bool] = {}

    def is_ancestor(self: git.GitRepository, older: CommitSha, newer: CommitSha) -> bool:
        key = (self.git_dir, (self.git_dir / "HEAD").stat().st_ino, older, newer)
        if key not in descent:
            descent[key] = descends(self, older, newer)
        return descent[key]

    def remembering(command: list[str], *, environment: Mapping[str, str], **more: Any) -> bytes:
        head = Path(command[2], "HEAD")
        if command[1] != "--git-dir" or more.get("stdin") is not None or not head.exists():
            return run(command, environment=environment, **more)
        made = head.stat()  # a repository that was made again is another one
        key = (*command, made.st_ino, made.st_mtime_ns)
        url = next((one for one in command[4:] if one.startswith("http://")), "")
        if command[3] == "fetch" and url:
            now = read_references(served / urlsplit(url).path.lstrip("/"))
            if not now or fetched.get(key) != now:
                run(command, environment=environment, **more)
                fetched[key] = now
            return b""
        if command[3] not in _VERBS:
            return run(command, environment=environment, **more)
        key += tuple(sorted(environment.items()))
        if not is_fixed(command[3:]):
            key += (read_references(Path(command[2])),)
        if key not in known:
            known[key] = run(command, environment=environment, **more)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(git, "_run", remembering)
        patch.setattr(git.GitRepository, "is_ancestor", is_ancestor)
        yield
