"""Undo what an interrupted `git checkout` of ours left in a work tree, and nothing else.

git writes files first, then its index, then HEAD. What a killed checkout leaves therefore looks like edits by hand.
It is ours, and only then undone, when it is exactly what the target commit holds, or the beginning of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from bot.agent.installer import remove
from bot.agent.work_tree import WorkTree
from bot.domain.names import CommitSha
from bot.git.git import GitRepository
from bot.git.interrupted_clone import CloneState, look_at_clone, mend_link, remove_link


def undo_interrupted(tree: WorkTree, targets: Iterable[CommitSha]) -> tuple[str, ...]:
    """Undo in `tree` what an interrupted checkout of one of `targets` left; the names of the files.

    Call it only while no other git of ours can be running here: its locks are removed too.
    """
    folder, repository = tree.folder, tree.repository
    for lock in repository.find_locks():
        lock.unlink(missing_ok=True)
    known = [_files_of(repository, target) for target in targets if repository.resolve(target) is not None]
    edited = _names(
        tree.git("diff-index", "--name-only", "-z", "--no-renames", "--ignore-submodules=all", "HEAD", strip=False)
    )
    untracked = _names(tree.git("ls-files", "--others", "-z", strip=False))
    ours = [name for name in edited if any(_is_of(repository, folder, name, files) for files in known)]
    fresh = [
        name
        for name in untracked
        if any(name in files and _is_of(repository, folder, name, files) for files in known)
    ]
    for name in fresh:
        (folder / name).unlink()
    for name in ours:
        if repository.entry("HEAD", name) is not None:
            tree.git("restore", "--source=HEAD", "--staged", "--worktree", "--", f":(literal){name}")
        else:
            tree.git("rm", "--quiet", "--force", "--", f":(literal){name}")
    return tuple(sorted({*ours, *fresh}))


def remove_partial_files(tree: WorkTree, target: CommitSha) -> None:
    """Remove files that a checkout of `target` wrote only in part (the disk was full): they would stop git later."""
    files = _files_of(tree.repository, target)
    for name in tree.edited_files():
        if _is_of(tree.repository, tree.folder, name, files):
            (tree.folder / name).unlink(missing_ok=True)


def undo_first_checkout(tree: WorkTree, targets: Iterable[CommitSha]) -> tuple[str, ...]:
    """Remove what an interrupted checkout of one of `targets` wrote into a clone that has no index yet.

    git writes the files before the index, and would then stop at its own files, which it does not track.
    """
    folder, repository = tree.folder, tree.repository
    for lock in repository.find_locks():
        lock.unlink(missing_ok=True)
    removed = []
    for target in targets:
        files = _files_of(repository, target) if repository.resolve(target) is not None else {}
        for name in files:
            if os.path.lexists(folder / name) and _is_of(repository, folder, name, files):
                (folder / name).unlink()
                removed.append(name)
    return tuple(sorted(removed))


def mend_clone(git_dir: Path, work_tree: Path) -> None:
    """Remove a submodule's clone that was interrupted before it had a commit checked out, or mend the link to it."""
    state = look_at_clone(git_dir)
    if state is CloneState.BEGUN:
        remove(git_dir)
    if state is CloneState.COMPLETE:
        mend_link(git_dir, work_tree)
    elif state is not CloneState.OTHER:
        remove_link(git_dir, work_tree)


def remove_begun_clone(folder: Path) -> None:
    """Remove the fleet's clone in `folder` that was interrupted before it had a commit, if nothing else is there."""
    git_dir = folder / ".git"
    if look_at_clone(git_dir) is CloneState.BEGUN and [entry.name for entry in folder.iterdir()] == [".git"]:
        remove(git_dir)


def _files_of(repository: GitRepository, commit: CommitSha) -> dict[str, str]:
    """Every file of a commit and its blob."""
    return {entry.path: entry.oid for entry in repository.list_tree(commit, recursive=True) if entry.kind == "blob"}


def _is_of(repository: GitRepository, folder: Path, name: str, files: Mapping[str, str]) -> bool:
    """Whether `name` is as a checkout of `files` leaves it, or as an interrupted one does."""
    path = folder / name
    if not os.path.lexists(path):
        return True  # gone in `files`, or removed to be written again
    if name not in files or not (path.is_symlink() or path.is_file()):
        return False
    wanted = repository.run("cat-file", "blob", files[name])
    found = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
    # Also with the line ends of Windows, which git may have written.
    return wanted.startswith((found, found.replace(b"\r\n", b"\n")))


def _names(listed: str) -> list[str]:
    return [name for name in listed.split("\0") if name]
