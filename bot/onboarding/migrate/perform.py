"""Carries the steps of a migration out. No step removes a file or writes over one that it does not rewrite by design:
`.gitignore`, `.gitmodules` and the workspace file. Each may be interrupted at any line and run again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from bot.domain.errors import BotError
from bot.domain.names import CommitSha
from bot.git.git import GITLINK
from bot.git.gitmodules import parse_gitmodules
from bot.onboarding.migrate.folder import STAGING, STATE, State, Work, is_link, remove_link, walk
from bot.onboarding.migrate.gather import read_inventory
from bot.onboarding.migrate.model import (
    AnyStep,
    Commit,
    Initialise,
    Migration,
    MoveDocuments,
    PlaceServer,
    Push,
    Register,
    ServerKind,
    SetRemote,
    Wish,
    WriteIgnore,
    WriteWorkspace,
)

Inventory = dict[str, tuple[int, int, int]]


class MigrationError(BotError):
    """A step could not be done. What was there is still there; the same command goes on."""


def migrate(wish: Wish, migration: Migration, state: State, tell: Callable[[AnyStep], None]) -> None:
    """Carry every step out, then prove that each file that was there still is, byte for byte."""
    work = Work(Path(wish.root))
    before = read_inventory(work.root, wish.submodule)
    for step in migration.steps:
        tell(step)
        carry_out(work, wish, step, state)
    _check_inventory(wish, migration, before, read_inventory(work.root, wish.submodule))
    shutil.rmtree(work.git_dir / STAGING, ignore_errors=True)
    (work.git_dir / STATE).unlink(missing_ok=True)


def carry_out(work: Work, wish: Wish, step: AnyStep, state: State) -> None:
    """One step. The first that finds a repository leaves `state` there, for a run that has to go on."""
    if isinstance(step, Initialise):
        work.git("init", "--quiet", f"--initial-branch={step.branch}")
    if work.read_state() is None:
        work.write_state(state)
    match step:
        case Initialise():
            pass
        case SetRemote(url=url):
            work.git("remote", "add", "origin", url)
        case MoveDocuments():
            _move_documents(work, step)
        case WriteIgnore(lines=lines):
            _announce(work, ".gitignore")
            _append_lines(work.root / ".gitignore", lines)
            work.git("add", "--force", "--", ".gitignore")
        case PlaceServer():
            _place_server(work, wish, step)
        case Register():
            _register(work, wish, step)
        case WriteWorkspace(name=name, text=text):
            _announce(work, name)
            _write_over(work.root / name, text.encode())
            work.git("add", "--force", "--", name)
        case Commit():
            _commit(work, step)
        case Push(branch=branch):
            work.git("push", "--quiet", "--set-upstream", "origin", f"HEAD:refs/heads/{branch}")


def _announce(work: Work, name: str) -> None:
    """Say that `name` is ours before it is written: a run that ends in between leaves it unstaged."""
    state = work.read_state()
    if state is not None and name not in state.written:
        work.write_state(replace(state, written=(*state.written, name)))


def _move_documents(work: Work, step: MoveDocuments) -> None:
    (work.root / "docs").mkdir(exist_ok=True)
    for document in step.documents:
        goal = work.root / document.goes_to
        if goal.exists() or is_link(goal):
            raise MigrationError(f"{document.goes_to} has appeared meanwhile; run the command again")
        if document.tracked:
            # First the index, in one write: a run that ends here is found by the next one as a file to be moved.
            mode, oid = work.git("ls-files", "--stage", "-z", "--", document.name).split("\t")[0].split()[:2]
            added = ("--add", "--cacheinfo", f"{mode},{oid},{document.goes_to}")
            work.git("update-index", *added, "--force-remove", "--", document.name)
        (work.root / document.name).rename(goal)


def _append_lines(path: Path, lines: tuple[str, ...]) -> None:
    old = path.read_bytes() if path.exists() else b""
    line_end = "\r\n" if b"\r\n" in old else "\n"
    gap = "" if not old or old.endswith(b"\n") else line_end
    added = gap + "".join(f"{line}{line_end}" for line in lines)
    _write_over(path, old + added.encode("utf-8", "surrogateescape"))


def _write_over(path: Path, content: bytes) -> None:
    """Whole or not at all; a link stays one, and what it leads to is written."""
    real = Path(os.path.realpath(path))
    new = real.with_name(f"{real.name}.aios-bot-new")
    new.write_bytes(content)
    if real.exists():
        shutil.copymode(real, new)
    new.replace(real)


def _place_server(work: Work, wish: Wish, step: PlaceServer) -> None:
    place = work.root / wish.submodule
    staging = work.git_dir / STAGING
    ready = staging / "ready"
    if step.kind is ServerKind.FOLDER:
        _adopt(work, place, step)
        return
    if not ready.exists():
        unfinished = staging / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        staging.mkdir(exist_ok=True)
        if step.kind is ServerKind.LINK:
            _copy(Path(step.target), unfinished)
            if not (unfinished / ".git").exists():
                _adopt(work, unfinished, step)
        else:
            work.git("clone", "--quiet", "--no-tags", "--branch", step.branch, "--", step.url, str(unfinished))
            if step.head is not None:
                work.git("reset", "--quiet", "--keep", step.head, folder=unfinished)
        unfinished.rename(ready)
    _forget_index(work, wish.submodule)
    if is_link(place):
        remove_link(place)
    elif place.is_dir():
        place.rmdir()  # empty, else it would not be here
    ready.rename(place)


def _adopt(work: Work, folder: Path, step: PlaceServer) -> None:
    """Give files a git directory: whatever differs from the commit shows as uncommitted, and no file is touched."""
    staging = work.git_dir / STAGING / "adopted"
    shutil.rmtree(staging, ignore_errors=True)
    work.git("clone", "--quiet", "--no-checkout", "--no-tags", "--branch", step.branch, "--", step.url, str(staging))
    if step.head is not None:
        work.git("update-ref", f"refs/heads/{step.branch}", step.head, folder=staging)
    work.git("read-tree", "HEAD", folder=staging)
    (staging / ".git").rename(folder / ".git")
    work.ask("update-index", "-q", "--refresh", folder=folder)


def _copy(source: Path, goal: Path) -> None:
    shutil.copytree(source, goal, symlinks=True)
    ours, theirs = _digests(goal), _digests(source)
    if ours != theirs:
        wrong = sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
        raise MigrationError(f"{source} changed while it was copied ({', '.join(wrong[:3])}): stop what writes there")


def _digests(folder: Path) -> dict[str, str]:
    found = {}
    for name, status in walk(folder):
        path = folder / name
        if is_link(path):
            found[name] = f"link {os.readlink(path)}"  # noqa: PTH115 - a junction is no Path link before 3.12
            continue
        with path.open("rb") as file:
            found[name] = f"{status.st_mode:o} {hashlib.file_digest(file, 'sha256').hexdigest()}"
    return found


def _forget_index(work: Work, submodule: str) -> None:
    """Take what is no submodule out of the parent's index; its history keeps it, and so does the disk."""
    work.git("rm", "--quiet", "-r", "--cached", "--ignore-unmatch", "--", submodule)


def _register(work: Work, wish: Wish, step: Register) -> None:
    place, name = work.root / wish.submodule, wish.submodule
    pin = step.pin or CommitSha(work.git("rev-parse", "HEAD", folder=place).strip())
    if step.pin is None:
        _forget_index(work, name)
    modules = work.root / ".gitmodules"
    _announce(work, ".gitmodules")
    stanzas = parse_gitmodules(modules.read_bytes().decode("utf-8", "replace")).stanzas if modules.exists() else ()
    if not any(stanza.path == name for stanza in stanzas):
        for field, value in (("path", name), ("url", step.url), ("branch", step.branch)):
            work.git("config", "--file", ".gitmodules", f"submodule.{name}.{field}", value)
    work.git("add", "--force", "--", ".gitmodules")
    work.git("update-index", "--add", "--cacheinfo", f"{GITLINK},{pin},{name}")
    work.git("submodule", "--quiet", "init", "--", name)
    if (place / ".git").is_dir():
        work.git("submodule", "--quiet", "absorbgitdirs", "--", name)


def _commit(work: Work, step: Commit) -> None:
    state = work.read_state()
    written = [name for name in (state.written if state else ()) if (work.root / name).exists()]
    if written:
        work.git("add", "--force", "--", *written)
    if step.everything:
        work.git("add", "--all")
        for name in step.without:
            work.git("rm", "--quiet", "--cached", "--", name)
    if work.ask("diff", "--cached", "--quiet", "--ignore-submodules=dirty") is None:
        work.git("commit", "--quiet", "--message", step.message)
    if state is not None:
        work.write_state(replace(state, whole=False, written=()))


def _check_inventory(wish: Wish, migration: Migration, before: Inventory, after: Inventory) -> None:
    """Every file is where it belongs, with its size, time and mode; only what is rewritten by design may differ."""
    rewritten = {".gitignore", ".gitmodules", wish.submodule}
    moved = {}
    for step in migration.steps:
        if isinstance(step, WriteWorkspace):
            rewritten.add(step.name)
        if isinstance(step, MoveDocuments):
            moved = {document.name: document.goes_to for document in step.documents}
    lost = [n for n, mark in before.items() if n not in rewritten and after.get(moved.get(n, n)) != mark]
    if lost:
        listed = ", ".join(sorted(lost)[:5])
        raise MigrationError(f"{listed} changed while this ran: somebody else writes there; look before going on")
