"""Run git and walk files in the folder of a migration, with the user's own git settings and without prompts."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bot.domain.values import StoredValue
from bot.git.git import GitError, run_in_checkout
from bot.settings.environment import docker_environment
from bot.storage.whole_files import write_whole

STATE = "aios-bot-migration.json"  # in the git directory, from the first step to the last
STAGING = "aios-bot-migration"  # a folder in the git directory, for clones and copies that are not complete yet
_REPARSE_JUNCTION = 0xA0000003
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


class MigrationState(StoredValue, frozen=True):
    """What a run must know of the interrupted one before it. The field names are stored."""

    whole: bool  # no commit yet: the first one takes everything
    old: tuple[str, ...] = ()  # earlier paths of the submodule's content
    written: tuple[str, ...] = ()  # files that the migration wrote; its commit includes them, staged or not


class WorkingFolder:
    """The folder of a migration, whether or not it is a repository yet."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *arguments: str, folder: Path | None = None) -> str:
        """Standard output of one git command. Raises GitError."""
        own = {"GIT_CONFIG_NOSYSTEM": "0", "GCM_INTERACTIVE": "never"}
        settings = docker_environment() | own
        out = run_in_checkout(folder or self.root, *arguments, environment=settings)
        return out.decode("utf-8", "surrogateescape")

    def try_git(self, *arguments: str, folder: Path | None = None) -> str | None:
        """The output without its last line end, or None if git failed."""
        try:
            return self.git(*arguments, folder=folder).strip("\n")
        except GitError:
            return None

    def git_list(self, *arguments: str, folder: Path | None = None) -> list[str]:
        """The NUL-separated items that one git command prints."""
        return [one for one in self.git(*arguments, folder=folder).split("\0") if one]

    @property
    def git_dir(self) -> Path:
        """The folder's own git directory."""
        return self.root / ".git"

    def read_state(self) -> MigrationState | None:
        """The state that an interrupted run left, or None."""
        try:
            return msgspec.json.decode((self.git_dir / STATE).read_bytes(), type=MigrationState)
        except (OSError, msgspec.MsgspecError):
            return None

    def write_state(self, state: MigrationState) -> None:
        """Save the state, in one step."""
        write_whole(self.git_dir / STATE, msgspec.json.encode(state))


def is_link(path: Path) -> bool:
    """Whether `path` is a symbolic link or, on Windows, a junction."""
    if path.is_symlink():
        return True
    try:
        return getattr(path.lstat(), "st_reparse_tag", 0) == _REPARSE_JUNCTION
    except OSError:
        return False


def remove_link(path: Path) -> None:
    """Remove the link itself, never its target."""
    if not is_link(path):
        raise NotADirectoryError(f"{path} is not a link")
    try:
        path.unlink()
    except (PermissionError, IsADirectoryError):
        path.rmdir()  # Windows: a link to a folder is a folder; rmdir removes no folder with content


def walk(folder: Path, *, skip: frozenset[Path] = frozenset()) -> Iterator[tuple[str, os.stat_result]]:
    """Every file and link below `folder`, with its relative path. Links are not followed; `skip` is left out."""
    pending = [folder]
    while pending:
        here = pending.pop()
        with os.scandir(here) as entries:
            for entry in entries:
                path = Path(entry.path)
                if path in skip:
                    continue
                if entry.is_dir(follow_symlinks=False) and not is_link(path):
                    pending.append(path)
                else:
                    yield path.relative_to(folder).as_posix(), entry.stat(follow_symlinks=False)


def is_ordinary(status: os.stat_result) -> bool:
    """Whether it is a file or a link, and not a socket, pipe or device."""
    return stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)


def without_credentials(url: str) -> str:
    """A remote's address without user name and password."""
    return _CREDENTIALS.sub("", url) if url.startswith(("http://", "https://")) else url


def is_remote(url: str) -> bool:
    """Whether `url` is the address of a server, not a path on this machine."""
    return bool(re.match(r"(?:https?|ssh|git)://|[A-Za-z0-9_.-]+@[^/:]+:", url))
