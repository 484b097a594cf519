"""Carry out the steps of a migration. Each may be interrupted at any line and run again.

No step removes a file, or overwrites one other than `.gitignore`, `.gitmodules` and the workspace file.
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
from bot.onboarding.migrate.facts import (
    AnyStep,
    CommitChanges,
    InitRepository,
    Migration,
    MigrationRequest,
    MoveDocuments,
    PlaceServer,
    PushBranch,
    RegisterSubmodule,
    ServerKind,
    SetRemote,
    WriteIgnore,
    WriteWorkspace,
)
from bot.onboarding.migrate.folder import STAGING, STATE, MigrationState, WorkingFolder, is_link, remove_link, walk
from bot.onboarding.migrate.read.folder import read_inventory

Inventory = dict[str, tuple[int, int, int]]


class MigrationError(BotError):
    """A step failed. Nothing is lost, and the same command continues."""


def migrate(
    request: MigrationRequest, migration: Migration, state: MigrationState, tell: Callable[[AnyStep], None]
) -> None:
    """Carry out every step, then check that no file was lost or changed. `tell` is called before each step.

    Raises MigrationError.
    """
    work = WorkingFolder(Path(request.root))
    before = read_inventory(work.root, request.submodule)
    for step in migration.steps:
        tell(step)
        carry_out(work, request, step, state)
    _check_inventory(request, migration, before, read_inventory(work.root, request.submodule))
    shutil.rmtree(work.git_dir / STAGING, ignore_errors=True)
    (work.git_dir / STATE).unlink(missing_ok=True)


def carry_out(work: WorkingFolder, request: MigrationRequest, step: AnyStep, state: MigrationState) -> None:
    """Carry out one step. The first one with a repository saves `state` there, for a run that has to continue."""
    if isinstance(step, InitRepository):
        work.git("init", "--quiet", f"--initial-branch={step.branch}")
    if work.read_state() is None:
        work.write_state(state)
    match step:
        case InitRepository():
            pass
        case SetRemote(url=url):
            work.git("remote", "add", "origin", url)
        case MoveDocuments():
            _move_documents(work, step)
        case WriteIgnore(lines=lines):
            _record_written(work, ".gitignore")
            _append_lines(work.root / ".gitignore", lines)
            work.git("add", "--force", "--", ".gitignore")
        case PlaceServer():
            _place_server(work, request, step)
        case RegisterSubmodule():
            _register(work, request, step)
        case WriteWorkspace(name=name, text=text):
            _record_written(work, name)
            _replace_file(work.root / name, text.encode())
            work.git("add", "--force", "--", name)
        case CommitChanges():
            _commit(work, step)
        case PushBranch(branch=branch):
            work.git("push", "--quiet", "--set-upstream", "origin", f"HEAD:refs/heads/{branch}")


def _record_written(work: WorkingFolder, name: str) -> None:
    """Record that the migration writes `name` before it does: an interrupted run may leave the file unstaged."""
    state = work.read_state()
    if state is not None and name not in state.written:
        work.write_state(replace(state, written=(*state.written, name)))


def _move_documents(work: WorkingFolder, step: MoveDocuments) -> None:
    (work.root / "docs").mkdir(exist_ok=True)
    for document in step.documents:
        target = work.root / document.goes_to
        if target.exists() or is_link(target):
            raise MigrationError(f"{document.goes_to} was created meanwhile; run the command again")
        if document.tracked:
            # The index first, in one write: after an interruption here the next run still finds a file to move.
            mode, oid = work.git("ls-files", "--stage", "-z", "--", document.name).split("\t")[0].split()[:2]
            added = ("--add", "--cacheinfo", f"{mode},{oid},{document.goes_to}")
            work.git("update-index", *added, "--force-remove", "--", document.name)
        (work.root / document.name).rename(target)


def _append_lines(path: Path, lines: tuple[str, ...]) -> None:
    old = path.read_bytes() if path.exists() else b""
    line_end = "\r\n" if b"\r\n" in old else "\n"
    gap = "" if not old or old.endswith(b"\n") else line_end
    added = gap + "".join(f"{line}{line_end}" for line in lines)
    _replace_file(path, old + added.encode("utf-8", "surrogateescape"))


def _replace_file(path: Path, content: bytes) -> None:
    """Replace the file in one step; of a link, its target."""
    real = Path(os.path.realpath(path))
    new = real.with_name(f"{real.name}.aios-bot-new")
    new.write_bytes(content)
    if real.exists():
        shutil.copymode(real, new)
    new.replace(real)


def _place_server(work: WorkingFolder, request: MigrationRequest, step: PlaceServer) -> None:
    place = work.root / request.submodule
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
    _forget_index(work, request.submodule)
    if is_link(place):
        remove_link(place)
    elif place.is_dir():
        place.rmdir()  # it is empty: otherwise it would be a FOLDER
    ready.rename(place)


def _adopt(work: WorkingFolder, folder: Path, step: PlaceServer) -> None:
    """Give plain files a git directory. No file is touched; those that differ from the commit show as uncommitted."""
    staging = work.git_dir / STAGING / "adopted"
    shutil.rmtree(staging, ignore_errors=True)
    work.git("clone", "--quiet", "--no-checkout", "--no-tags", "--branch", step.branch, "--", step.url, str(staging))
    if step.head is not None:
        work.git("update-ref", f"refs/heads/{step.branch}", step.head, folder=staging)
    work.git("read-tree", "HEAD", folder=staging)
    (staging / ".git").rename(folder / ".git")
    work.try_git("update-index", "-q", "--refresh", folder=folder)


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True)
    ours, theirs = _digests(target), _digests(source)
    if ours != theirs:
        wrong = sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
        raise MigrationError(f"{source} changed while it was copied ({', '.join(wrong[:3])}): stop what writes to it")


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


def _forget_index(work: WorkingFolder, submodule: str) -> None:
    """Take files that are no submodule out of the parent's index; they stay on disk and in its history."""
    work.git("rm", "--quiet", "-r", "--cached", "--ignore-unmatch", "--", submodule)


def _register(work: WorkingFolder, request: MigrationRequest, step: RegisterSubmodule) -> None:
    place, name = work.root / request.submodule, request.submodule
    pin = step.pin or CommitSha(work.git("rev-parse", "HEAD", folder=place).strip())
    if step.pin is None:
        _forget_index(work, name)
    modules = work.root / ".gitmodules"
    _record_written(work, ".gitmodules")
    stanzas = parse_gitmodules(modules.read_bytes().decode("utf-8", "replace")).stanzas if modules.exists() else ()
    if not any(stanza.path == name for stanza in stanzas):
        for field, value in (("path", name), ("url", step.url), ("branch", step.branch)):
            work.git("config", "--file", ".gitmodules", f"submodule.{name}.{field}", value)
    work.git("add", "--force", "--", ".gitmodules")
    work.git("update-index", "--add", "--cacheinfo", f"{GITLINK},{pin},{name}")
    work.git("submodule", "--quiet", "init", "--", name)
    if (place / ".git").is_dir():
        work.git("submodule", "--quiet", "absorbgitdirs", "--", name)


def _commit(work: WorkingFolder, step: CommitChanges) -> None:
    state = work.read_state()
    written = [name for name in (state.written if state else ()) if (work.root / name).exists()]
    if written:
        work.git("add", "--force", "--", *written)
    if step.everything:
        work.git("add", "--all")
        for name in step.without:
            work.git("rm", "--quiet", "--cached", "--", name)
    if work.try_git("diff", "--cached", "--quiet", "--ignore-submodules=dirty") is None:
        work.git("commit", "--quiet", "--message", step.message)
    if state is not None:
        work.write_state(replace(state, whole=False, written=()))


def _check_inventory(request: MigrationRequest, migration: Migration, before: Inventory, after: Inventory) -> None:
    """Check that every file has its size, time and mode; only the files that the steps rewrite may differ."""
    rewritten = {".gitignore", ".gitmodules", request.submodule}
    moved = {}
    for step in migration.steps:
        if isinstance(step, WriteWorkspace):
            rewritten.add(step.name)
        if isinstance(step, MoveDocuments):
            moved = {document.name: document.goes_to for document in step.documents}
    lost = [n for n, mark in before.items() if n not in rewritten and after.get(moved.get(n, n)) != mark]
    if lost:
        listed = ", ".join(sorted(lost)[:5])
        raise MigrationError(
            f"{listed} changed during the migration: another program writes to it; check before you continue"
        )
