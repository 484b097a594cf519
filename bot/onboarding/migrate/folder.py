"""Git and the files of a folder, as a migration needs them: a person's own git settings, no question asked."""

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

STATE = "aios-bot-migration.json"  # inside the git directory, from the first step to the last
STAGING = "aios-bot-migration"  # a folder inside the git directory, for what is not whole yet
_REPARSE_JUNCTION = 0xA0000003
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


class State(StoredValue, frozen=True):
    """What an interrupted run must know of its beginning."""

    whole: bool  # the first commit is still to be made, and takes everything
    old: tuple[str, ...] = ()  # where the submodule's content lay before
    written: tuple[str, ...] = ()  # files of ours, which the commit takes whether or not they are staged yet


class Work:
    """One folder, whether or not it is a repository yet."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *arguments: str, folder: Path | None = None) -> str:
        """Standard output of one git command, or GitError."""
        own = {"GIT_CONFIG_NOSYSTEM": "0", "GCM_INTERACTIVE": "never"}
        settings = docker_environment() | own
        out = run_in_checkout(folder or self.root, *arguments, environment=settings)
        return out.decode("utf-8", "surrogateescape")

    def ask(self, *arguments: str, folder: Path | None = None) -> str | None:
        """The same without line ends, or None when git said no."""
        try:
            return self.git(*arguments, folder=folder).strip("\n")
        except GitError:
            return None

    def listed(self, *arguments: str, folder: Path | None = None) -> list[str]:
        """The NUL-separated output of one git command."""
        return [one for one in self.git(*arguments, folder=folder).split("\0") if one]

    @property
    def git_dir(self) -> Path:
        """Of the folder itself."""
        return self.root / ".git"

    def read_state(self) -> State | None:
        """What an interrupted run left, or None."""
        try:
            return msgspec.json.decode((self.git_dir / STATE).read_bytes(), type=State)
        except (OSError, msgspec.MsgspecError):
            return None

    def write_state(self, state: State) -> None:
        """Keep it, whole or not at all."""
        new = self.git_dir / f"{STATE}.new"
        new.write_bytes(msgspec.json.encode(state))
        new.replace(self.git_dir / STATE)


def is_link(path: Path) -> bool:
    """Whether `path` is a symbolic link or, on Windows, a junction."""
    if path.is_symlink():
        return True
    try:
        return getattr(path.lstat(), "st_reparse_tag", 0) == _REPARSE_JUNCTION
    except OSError:
        return False


def remove_link(path: Path) -> None:
    """Remove the link itself, never what it leads to."""
    if not is_link(path):
        raise NotADirectoryError(f"{path} is no link")
    try:
        path.unlink()
    except (PermissionError, IsADirectoryError):
        path.rmdir()  # Windows: a link to a folder is a folder; a folder with content is not removed so


def walk(folder: Path, *, skip: frozenset[Path] = frozenset()) -> Iterator[tuple[str, os.stat_result]]:
    """Every file and link below `folder` by its relative path, links not followed, `skip` left out."""
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
    """Whether it is a file or a link, and no socket, pipe or device."""
    return stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)


def without_credentials(url: str) -> str:
    """A remote's address as it may be written down."""
    return _CREDENTIALS.sub("", url) if url.startswith(("http://", "https://")) else url


def is_remote(url: str) -> bool:
    """Whether other machines can reach `url` too: no path of this one."""
    return bool(re.match(r"(?:https?|ssh|git)://|[A-Za-z0-9_.-]+@[^/:]+:", url))
