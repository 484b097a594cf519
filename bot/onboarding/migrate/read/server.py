"""Read what is at the submodule's path, and which commit of its remote it corresponds to. Changes nothing."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec.structs import replace

from bot.domain.names import BranchName, CommitSha, parse_commit_sha
from bot.git.git import GitError, GitRepository
from bot.git.gitmodules import parse_gitmodules
from bot.onboarding.migrate.facts import MigrationRequest, ServerFacts, ServerKind
from bot.onboarding.migrate.folder import WorkingFolder, is_link, is_ordinary, is_remote, walk, without_credentials
from bot.onboarding.migrate.read.obstacles import UNFINISHED

COMMITS_COMPARED = 300  # newest first, to find the commit that a plain copy was taken from


def read_server(work: WorkingFolder, request: MigrationRequest) -> ServerFacts:
    """The facts of the submodule's path."""
    place = work.root / request.submodule
    kind, content, obstacles = _kind(work, place)
    own = (content / ".git").is_dir() if kind is not ServerKind.SUBMODULE else False
    pin = _pin(work, request.submodule)
    stanza = _stanza(work, request.submodule)
    if kind is ServerKind.ABSENT and pin and stanza:
        kind = ServerKind.SUBMODULE  # not checked out: no work can be lost there
    if own:
        obstacles += _repository_obstacles(content)
    origin = work.try_git("config", "--get", "remote.origin.url", folder=content) if own else None
    url = without_credentials(origin) if origin and is_remote(origin) else None
    branch = work.try_git("symbolic-ref", "--quiet", "--short", "HEAD", folder=content) if own else None
    head = _head(work, content) if own else None
    if own and head is None:
        obstacles.append(f"{content} has no commit checked out")
    known = ServerFacts(
        kind=kind,
        url=url,
        local=origin if origin and url is None else "",
        branch=BranchName(branch) if branch else None,
        target=str(content) if kind is ServerKind.LINK else "",
        head=head,
        obstacles=tuple(obstacles),
        pin=pin,
        stanza=stanza,
        leftover=not own
        and kind is not ServerKind.SUBMODULE
        and (work.git_dir / "modules" / request.submodule).exists(),
    )
    if kind in (ServerKind.SUBMODULE, ServerKind.OTHER) or obstacles or known.leftover:
        return known
    return _with_size(_with_remote(known, work, request, content, own=own), work, content)


def _kind(work: WorkingFolder, place: Path) -> tuple[ServerKind, Path, list[str]]:
    """What is at `place`, where its files are, and what prevents a migration of it."""
    if is_link(place):
        target = Path(os.path.realpath(place))
        if not target.is_dir():
            return (
                ServerKind.OTHER,
                target,
                [f"{place} is a link to {target}, which is not a folder: remove the link"],
            )
        if target == work.root or work.root in target.parents or target in work.root.parents:
            return (
                ServerKind.OTHER,
                target,
                [f"{place} is a link to {target}, and one of them contains the other: remove the link"],
            )
        if (target / ".git").is_file():
            cure = "link to an ordinary clone instead"
            return ServerKind.LINK, target, [f"{target} is a worktree or submodule of another repository: {cure}"]
        return ServerKind.LINK, target, []
    if not place.exists():
        return ServerKind.ABSENT, place, []
    if not place.is_dir():
        return ServerKind.OTHER, place, [f"{place} is a file: move it away"]
    if (place / ".git").is_file():
        inside = work.try_git("rev-parse", "--absolute-git-dir", folder=place)
        if inside and Path(inside).resolve().is_relative_to((work.git_dir / "modules").resolve()):
            return ServerKind.SUBMODULE, place, []
        return ServerKind.OTHER, place, [f"{place} is a worktree of another repository: put an ordinary clone there"]
    if is_link(place / ".git"):
        return ServerKind.OTHER, place, [f"{place}/.git is a link: put an ordinary clone there"]
    if (place / ".git").is_dir():
        return ServerKind.REPOSITORY, place, []
    return (ServerKind.FOLDER if any(place.iterdir()) else ServerKind.ABSENT), place, []


def _repository_obstacles(content: Path) -> list[str]:
    git_dir = content / ".git"
    found = [
        f"{what} is under way in {content} (.git/{name}): finish or abort it"
        for name, what in UNFINISHED.items()
        if (git_dir / name).exists()
    ]
    if any((git_dir / "worktrees").glob("*")):
        found.append(
            f"{content} has worktrees, which would lose their repository: remove them first (git -C {content} "
            "worktree remove)"
        )
    if (git_dir / "objects/info/alternates").exists():
        cure = f"git -C {content} repack -a -d, then remove .git/objects/info/alternates"
        found.append(f"{content} borrows objects from another repository: {cure}")
    return found


def _pin(work: WorkingFolder, submodule: str) -> CommitSha | None:
    if not work.git_dir.is_dir():
        return None
    for line in work.git_list("ls-files", "--stage", "-z", "--", submodule):
        meta, _, name = line.partition("\t")
        mode, oid, _stage = meta.split()
        if name == submodule and mode == "160000":
            return parse_commit_sha(oid)
    return None


def _stanza(work: WorkingFolder, submodule: str) -> bool:
    path = work.root / ".gitmodules"
    text = path.read_bytes().decode("utf-8", "replace") if path.is_file() else ""
    return any(stanza.path == submodule for stanza in parse_gitmodules(text).stanzas)


def _head(work: WorkingFolder, folder: Path) -> CommitSha | None:
    found = work.try_git("rev-parse", "--verify", "--quiet", "HEAD", folder=folder)
    return parse_commit_sha(found) if found else None


def _with_remote(
    known: ServerFacts, work: WorkingFolder, request: MigrationRequest, content: Path, *, own: bool
) -> ServerFacts:
    url = request.url or known.url
    if url is None:
        return known
    branch = request.tracked or known.branch or BranchName("main")
    try:
        with _fetched(work, url, content / ".git/objects" if own else None) as upstream:
            if known.head is not None:
                return replace(known, shared=_holds(upstream, known.head))
            tip = upstream.resolve(f"refs/heads/{branch}")
            if tip is None:
                return replace(known, remote_problem=f"it has no branch {branch}; choose one with --server-branch")
            if known.kind is ServerKind.ABSENT:
                return replace(known, head=known.pin or tip)
            head, differing = _nearest(upstream, tip, content)
            return replace(known, head=head, differing=differing)
    except GitError as problem:
        return replace(known, remote_problem=str(problem))


@contextmanager
def _fetched(work: WorkingFolder, url: str, objects: Path | None) -> Iterator[GitRepository]:
    """The remote's branches in a temporary repository; objects in the folder `objects` are not downloaded again."""
    with TemporaryDirectory(prefix="aios-bot-upstream-") as folder:
        bare = Path(folder)
        work.git("init", "--quiet", "--bare", str(bare), folder=bare)
        if objects is not None:
            (bare / "objects/info/alternates").write_text(f"{objects}\n", encoding="utf-8", errors="surrogateescape")
        work.git("fetch", "--quiet", "--no-tags", "--", url, "+refs/heads/*:refs/heads/*", folder=bare)
        yield GitRepository(bare)


def _holds(upstream: GitRepository, head: CommitSha) -> bool:
    return bool(upstream.run("for-each-ref", "--contains", head, "refs/heads").strip())


def _nearest(upstream: GitRepository, tip: CommitSha, folder: Path) -> tuple[CommitSha, int]:
    """The commit whose files are most like those in `folder` (the newest of several), and how many files differ."""
    here = {name: _oids(folder / name) for name, status in walk(folder) if is_ordinary(status)}
    best: tuple[int, CommitSha] | None = None
    for commit in upstream.commits_between(None, tip, most=COMMITS_COMPARED):
        there = {e.path: e.oid for e in upstream.list_tree(commit.sha, recursive=True) if e.kind == "blob"}
        differing = sum(oid not in here.get(path, ()) for path, oid in there.items())
        differing += sum(path not in there for path in here)
        if best is None or differing < best[0]:
            best = (differing, commit.sha)
        if differing == 0:
            break
    return (best[1], best[0]) if best else (tip, len(here))


def _oids(path: Path) -> tuple[str, ...]:
    """The ids of the blobs that git may store for a file: with its line ends as they are, and with those of Unix."""
    content = os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes()  # noqa: PTH115 - bytes
    forms = {content, content.replace(b"\r\n", b"\n")}
    return tuple(hashlib.sha1(b"blob %d\0" % len(form) + form, usedforsecurity=False).hexdigest() for form in forms)


def _with_size(known: ServerFacts, work: WorkingFolder, content: Path) -> ServerFacts:
    if known.kind is not ServerKind.LINK:
        return known
    odd, needed = [], 0
    for name, status in walk(content):
        needed += status.st_size
        if not is_ordinary(status):
            odd.append(name)
    found = [
        f"{content}/{name} is a socket, pipe or device, which cannot be copied: stop what uses it" for name in odd[:3]
    ]
    free = shutil.disk_usage(work.root).free
    return replace(known, bytes_needed=needed, bytes_free=free, obstacles=(*known.obstacles, *found))
