"""Tell a clone that was interrupted from a complete one, and mend the link by which a work tree finds its clone.

git writes a submodule's `.git`, the link, before it clones, and once more after it; neither time at one stroke.
"""

from __future__ import annotations

import os
import re
from enum import Enum
from pathlib import Path

from bot.git.git import GitRepository
from bot.storage.whole_files import write_whole

_IN_BEGUN_CLONE = re.compile(
    r"(HEAD|FETCH_HEAD|branches|config|description|hooks|info|objects|refs|logs|packed-refs|shallow)(\.lock|\.new)?"
    r"|t[A-Za-z0-9]{6}"  # by which git tries whether links can be made
)


class CloneState(Enum):
    """What lies where a clone is to be."""

    NOTHING = "nothing"
    BEGUN = "begun"  # by git, and without a commit: a new clone loses nothing
    COMPLETE = "complete"
    OTHER = "other"  # without a commit, and with something that git does not begin a clone with


def look_at_clone(git_dir: Path) -> CloneState:
    """What lies at `git_dir`."""
    if not git_dir.is_dir():
        return CloneState.NOTHING
    if GitRepository(git_dir).resolve("HEAD") is not None:
        return CloneState.COMPLETE
    is_begun = all(_IN_BEGUN_CLONE.fullmatch(entry.name) for entry in git_dir.iterdir())
    return CloneState.BEGUN if is_begun else CloneState.OTHER


def mend_link(git_dir: Path, work_tree: Path) -> None:
    """Write the whole link from `work_tree` to its clone where only the beginning of it is."""
    link = work_tree / ".git"
    if link.is_file() and _is_begun_link(_read(link), git_dir, work_tree):
        write_whole(link, os.fsencode(f"gitdir: {_relative(git_dir, work_tree)}\n"))


def remove_link(git_dir: Path, work_tree: Path) -> None:
    """Remove the link from `work_tree` to `git_dir`, or the beginning of it; one that leads elsewhere stays."""
    link = work_tree / ".git"
    if not link.is_file():
        return
    written = _read(link)
    leads_to = os.path.normpath(work_tree / written.removeprefix("gitdir:").strip())
    if leads_to == os.path.normpath(git_dir) or _is_begun_link(written, git_dir, work_tree):
        link.unlink()


def _is_begun_link(written: str, git_dir: Path, work_tree: Path) -> bool:
    whole = [f"gitdir: {path}" for path in (git_dir.absolute().as_posix(), _relative(git_dir, work_tree))]
    return written not in whole and any(path.startswith(written) for path in whole)


def _relative(git_dir: Path, work_tree: Path) -> str:
    return Path(os.path.relpath(git_dir, work_tree)).as_posix()


def _read(link: Path) -> str:
    return link.read_text("utf-8", "surrogateescape")
