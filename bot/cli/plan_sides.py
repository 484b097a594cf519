"""What `aios-bot plan` compares: a fleet's checkout, a stacks repository alone, any two commits or folders.

Imports what it needs when it runs, as in bot.cli.main.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from bot.domain.errors import BotError
from bot.domain.names import CommitSha, SubmodulePath

if TYPE_CHECKING:
    from bot.fleetfile import Fleet
    from bot.git.git import GitRepository
    from bot.planner.worktree import ScratchRepository

_ALONE = re.compile(r"[^A-Za-z0-9._-]+")
_NAMED = 5  # submodules that an error names


class PlanRequest(NamedTuple):
    """The command line. `old` and `new` are commits or folders; None: as is usual."""

    repo: Path
    submodule: str
    old: str | None
    new: str | None
    forward: bool  # only a move forward makes sense: --from and --to
    fleet_file: Path | None
    stacks: str | None = None


class Sides(NamedTuple):
    """What is compared. `edits`: tracked files that are planned as they stand; `unknown`: files that git lacks."""

    mirror: GitRepository
    base: CommitSha
    upstream: GitRepository
    old: CommitSha
    new: CommitSha
    path: SubmodulePath
    fleet: Fleet
    is_history: bool = True  # both are commits of one history, which can be counted
    edits: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def find_sides(request: PlanRequest, scratch: ScratchRepository) -> Sides:
    """Read what is to be compared. Raises BotError with a cure where something is missing."""
    from bot.git.git import GitError, GitRepository

    try:
        own = GitRepository.of_checkout(request.repo)
    except GitError as problem:
        if request.old and request.new and Path(request.old).is_dir() and Path(request.new).is_dir():
            return _alone(request, None, scratch)
        raise BotError(f"{request.repo}: {problem}; --repo must be a git checkout") from None
    known = own.resolve_all("HEAD", *_named(request))
    base = known["HEAD"] or _fail(own, "HEAD", where=str(request.repo), folder=request.repo)
    pin = own.pin_at(base, request.submodule)
    if pin is not None:
        return _in_fleet(request, own, base, pin, scratch)
    if request.forward and own.entry(base, ".gitmodules") is not None:
        raise BotError(f"{request.repo} pins no submodule at {request.submodule!r}; {_name_pins(own, base)}")
    return _alone(request, own, scratch, known)


def _in_fleet(
    request: PlanRequest, own: GitRepository, base: CommitSha, pin: CommitSha, scratch: ScratchRepository
) -> Sides:
    checkout = request.repo / request.submodule
    cure = f"run `git submodule update --init {request.submodule}` in {request.repo} first"
    upstream = _open_submodule(checkout, own, cure)
    known = upstream.resolve_all("HEAD", pin, *_named(request))
    reader = _Reader(upstream, checkout, request.submodule, scratch, known)
    if request.old is None and known[pin] is None:
        _fail(upstream, pin, where=request.submodule, folder=checkout)
    old = reader.read(request.old) if request.old else pin
    new = reader.read(request.new)
    upstream = scratch.repository if reader.used_scratch else upstream
    if request.forward and not upstream.is_ancestor(old, new):
        raise BotError(
            f"{new[:7]} does not descend from {old[:7]}: a bump only moves forward; --old and --new compare any two"
        )
    return Sides(
        mirror=own,
        base=base,
        upstream=upstream,
        old=old,
        new=new,
        path=SubmodulePath(request.submodule),
        fleet=_read_fleet(own, base, request.fleet_file),
        is_history=not reader.folders,
        edits=reader.edits,
        unknown=reader.unknown,
    )


def _alone(
    request: PlanRequest,
    own: GitRepository | None,
    scratch: ScratchRepository,
    known: Mapping[str, CommitSha | None] = MappingProxyType({}),
) -> Sides:
    """A stacks repository, or two folders, without a fleet: on any node."""
    from msgspec.structs import replace

    from bot.fleetfile import Fleet, Submodule
    from bot.git.git import EMPTY_TREE

    path = SubmodulePath(_ALONE.sub("-", request.repo.resolve().name).strip(".-") or "stacks")
    reader = _Reader(own, request.repo, str(request.repo), scratch, known)
    old, new = reader.read(request.old or "HEAD"), reader.read(request.new)
    upstream = own if own is not None and not reader.used_scratch else scratch.repository
    fleet = _read_fleet(None, None, request.fleet_file)
    found = next((one for one in fleet.submodules), Submodule(path=path))
    stacks = request.stacks or found.stacks
    return Sides(
        mirror=upstream,
        base=CommitSha(EMPTY_TREE),
        upstream=upstream,
        old=old,
        new=new,
        path=path,
        fleet=replace(fleet or Fleet(), submodules=(replace(found, path=path, stacks=stacks),)),
        is_history=not reader.folders,
        edits=reader.edits,
        unknown=reader.unknown,
    )


class _Reader:
    """Reads a side by its words: a commit of the repository, a folder, or (None) the checkout as it stands.

    `known` are the commits that these words name in the repository.
    """

    def __init__(
        self,
        own: GitRepository | None,
        checkout: Path,
        name: str,
        scratch: ScratchRepository,
        known: Mapping[str, CommitSha | None],
    ) -> None:
        self._own, self._checkout, self._name, self._scratch = own, checkout, name, scratch
        self._known = known
        self.edits: tuple[str, ...] = ()
        self.unknown: tuple[str, ...] = ()
        self.folders = False
        self.used_scratch = False

    def read(self, side: str | None) -> CommitSha:
        """The commit that stands for `side`. Raises BotError."""
        if side is None:
            return self._read_checkout()
        if (found := self._known.get(side)) is not None:
            return found
        if Path(side).is_dir():
            self.folders = True
            self._take_scratch()
            return self._scratch.add_folder(Path(side).resolve())
        cure = f"; {_fetch_cure(self._own, self._checkout)}" if self._own is not None else ""
        raise BotError(f"{self._name} has no commit {side!r}, and no such folder is here{cure}")

    def _read_checkout(self) -> CommitSha:
        if self._own is None:
            raise BotError(f"{self._name} is no git checkout: name both folders, with --old and --new")
        status = ("--work-tree", str(self._checkout), "status", "--porcelain", "-z", "--untracked-files=normal")
        lines = self._own.run(*status).decode("utf-8", "replace").split("\0")
        self.unknown = tuple(line[3:] for line in lines if line.startswith("??"))
        self.edits = tuple(line[3:] for line in lines if line and not line.startswith("??"))
        if not self.edits:
            return self._known["HEAD"] or _fail(self._own, "HEAD", where=self._name, folder=self._checkout)
        self._take_scratch()
        return self._scratch.add_checkout(self._checkout.resolve(), self._own)

    def _take_scratch(self) -> None:
        self.used_scratch = True
        if self._own is not None:
            self._scratch.borrow(self._own)


def _open_submodule(path: Path, parent: GitRepository, cure: str) -> GitRepository:
    from bot.git.git import GitError, GitRepository

    try:
        found = GitRepository.of_checkout(path)
    except GitError as problem:
        raise BotError(f"{path}: {problem}; {cure}") from None
    if found.git_dir.resolve() == parent.git_dir.resolve():
        raise BotError(f"{path} is not checked out; {cure}")
    return found


def _named(request: PlanRequest) -> Iterator[str]:
    """The words of the command line that may name commits."""
    yield from (side for side in (request.old, request.new) if side)


def _fail(repository: GitRepository, revision: str, *, where: str, folder: Path) -> NoReturn:
    raise BotError(f"{where} has no commit {revision!r}; {_fetch_cure(repository, folder)}")


def _fetch_cure(repository: GitRepository, folder: Path) -> str:
    """How to get a commit that is not in the clone at `folder`."""
    if repository.resolve("HEAD") is None:
        return "it has no commit yet: commit first"
    if (repository.git_dir / "shallow").exists():
        return f"its clone is shallow: run `git -C {shlex.quote(str(folder))} fetch --unshallow` first"
    return f"run `git -C {shlex.quote(str(folder))} fetch` first"


def _name_pins(repository: GitRepository, commit: CommitSha) -> str:
    """The submodules that `commit` pins, and how to name one."""
    paths = [entry.path for entry in repository.list_tree(commit, recursive=True) if entry.kind == "commit"]
    if not paths:
        return "it pins none"
    return f"it pins {', '.join(paths[:_NAMED])}: run this with `--submodule {paths[0]}`"


def _read_fleet(repository: GitRepository | None, base: CommitSha | None, file: Path | None) -> Fleet:
    from bot.fleetfile import FLEET_FILE, Fleet, parse_fleet

    if file is not None:
        return parse_fleet(file.read_text(encoding="utf-8", errors="replace"), path=str(file))
    text = repository.read_file(base, FLEET_FILE) if repository is not None and base is not None else None
    return parse_fleet(text.decode("utf-8", "replace")) if text is not None else Fleet()
