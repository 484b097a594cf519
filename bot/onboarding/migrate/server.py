"""What stands at the submodule's place, and which commit of its remote that is; read without changing anything."""

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
from bot.onboarding.migrate.folder import Work, is_link, is_ordinary, is_remote, walk, without_credentials
from bot.onboarding.migrate.model import ServerFacts, ServerKind, Wish

COMMITS_COMPARED = 300  # newest first, to find the one whose files a copy holds
_BUSY = ("MERGE_HEAD", "rebase-merge", "rebase-apply", "CHERRY_PICK_HEAD", "REVERT_HEAD", "BISECT_LOG", "index.lock")


def read_server(work: Work, wish: Wish) -> ServerFacts:
    """The place of the submodule."""
    place = work.root / wish.submodule
    kind, content, obstacles = _kind(work, place)
    own = (content / ".git").is_dir() if kind is not ServerKind.SUBMODULE else False
    pin, indexed = _indexed(work, wish.submodule)
    stanza = _stanza(work, wish.submodule)
    if kind is ServerKind.ABSENT and pin and stanza:
        kind = ServerKind.SUBMODULE  # not checked out: nothing of the person's is there
    if own:
        obstacles += _repository_obstacles(content)
    origin = work.ask("config", "--get", "remote.origin.url", folder=content) if own else None
    url = without_credentials(origin) if origin and is_remote(origin) else None
    branch = work.ask("symbolic-ref", "--quiet", "--short", "HEAD", folder=content) if own else None
    head = _head(work, content) if own else None
    if own and head is None:
        obstacles.append(f"{content} has no commit checked out")
    known = ServerFacts(
        kind=kind,
        url=url,
        branch=BranchName(branch) if branch else None,
        target=str(content) if kind is ServerKind.LINK else "",
        head=head,
        obstacles=tuple(obstacles),
        pin=pin,
        stanza=stanza,
        indexed=indexed,
        leftover=not own and kind is not ServerKind.SUBMODULE and _leftover(work, wish.submodule),
    )
    if kind in (ServerKind.SUBMODULE, ServerKind.OTHER) or obstacles or known.leftover:
        return known
    return _with_size(_with_remote(known, work, wish, content, own=own), work, content)


def _kind(work: Work, place: Path) -> tuple[ServerKind, Path, list[str]]:
    """What stands at `place`, where its files are, and what is wrong with that."""
    if is_link(place):
        target = Path(os.path.realpath(place))
        if not target.is_dir():
            return ServerKind.OTHER, target, [f"{place} is a link to {target}, where no folder is: remove the link"]
        if target == work.root or work.root in target.parents or target in work.root.parents:
            return (
                ServerKind.OTHER,
                target,
                [f"{place} leads to {target}, and one lies in the other: remove the link"],
            )
        if (target / ".git").is_file():
            cure = "make the link lead to an ordinary clone"
            return ServerKind.LINK, target, [f"{target} is a worktree or submodule of another repository: {cure}"]
        return ServerKind.LINK, target, []
    if not place.exists():
        return ServerKind.ABSENT, place, []
    if not place.is_dir():
        return ServerKind.OTHER, place, [f"{place} is a file: move it away"]
    if (place / ".git").is_file():
        inside = work.ask("rev-parse", "--absolute-git-dir", folder=place)
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
    said = [
        f"{content} is in the middle of something (.git/{name}): finish or abort it"
        for name in _BUSY
        if (git_dir / name).exists()
    ]
    if any((git_dir / "worktrees").glob("*")):
        said.append(
            f"{content} has worktrees elsewhere, which would lose it: git -C {content} worktree remove them first"
        )
    if (git_dir / "objects/info/alternates").exists():
        cure = f"git -C {content} repack -a -d, then remove .git/objects/info/alternates"
        said.append(f"{content} borrows objects of another repository: {cure}")
    return said


def _indexed(work: Work, submodule: str) -> tuple[CommitSha | None, bool]:
    if not work.git_dir.is_dir():
        return None, False
    lines = work.listed("ls-files", "--stage", "-z", "--", submodule)
    for line in lines:
        meta, _, name = line.partition("\t")
        mode, oid, _stage = meta.split()
        if name == submodule and mode == "160000":
            return parse_commit_sha(oid), False
    return None, bool(lines)


def _stanza(work: Work, submodule: str) -> bool:
    path = work.root / ".gitmodules"
    text = path.read_bytes().decode("utf-8", "replace") if path.is_file() else ""
    return any(stanza.path == submodule for stanza in parse_gitmodules(text).stanzas)


def _leftover(work: Work, submodule: str) -> bool:
    return (work.git_dir / "modules" / submodule).exists()


def _head(work: Work, folder: Path) -> CommitSha | None:
    found = work.ask("rev-parse", "--verify", "--quiet", "HEAD", folder=folder)
    return parse_commit_sha(found) if found else None


def _with_remote(known: ServerFacts, work: Work, wish: Wish, content: Path, *, own: bool) -> ServerFacts:
    url = wish.url or known.url
    if url is None:
        return known
    branch = wish.tracked or known.branch or BranchName("main")
    try:
        with _fetched(work, url, content / ".git/objects" if own else None) as upstream:
            if known.head is not None:
                return replace(known, shared=_holds(upstream, known.head))
            tip = upstream.resolve(f"refs/heads/{branch}")
            if tip is None:
                return replace(known, remote_problem=f"it has no branch {branch}; name one with --server-branch")
            if known.kind is ServerKind.ABSENT:
                return replace(known, head=known.pin or tip)
            head, differing = _nearest(upstream, tip, content)
            return replace(known, head=head, differing=differing)
    except GitError as problem:
        return replace(known, remote_problem=str(problem))


@contextmanager
def _fetched(work: Work, url: str, objects: Path | None) -> Iterator[GitRepository]:
    """The remote's branches in a repository of our own; `objects` are those that need no download."""
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
    """The commit whose files are most like those in `folder`, the newest of equals, and how many differ."""
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
    """The blob that git would make of a file: as it is, and with the line ends of Unix."""
    content = os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes()  # noqa: PTH115 - bytes
    forms = {content, content.replace(b"\r\n", b"\n")}
    return tuple(hashlib.sha1(b"blob %d\0" % len(form) + form, usedforsecurity=False).hexdigest() for form in forms)


def _with_size(known: ServerFacts, work: Work, content: Path) -> ServerFacts:
    if known.kind is not ServerKind.LINK:
        return known
    odd, needed = [], 0
    for name, status in walk(content):
        needed += status.st_size
        if not is_ordinary(status):
            odd.append(name)
    said = [
        f"{content}/{name} is a socket, pipe or device, which cannot be copied: stop what uses it" for name in odd[:3]
    ]
    free = shutil.disk_usage(work.root).free
    return replace(known, bytes_needed=needed, bytes_free=free, obstacles=(*known.obstacles, *said))
