"""List a clone's settings, and ask git again only when a byte of what it reads of the clone itself is another.

A container may write the configuration of a clone at any time, so it is looked at before each command. The settings
of the machine's user are read once: who may write those needs no clone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bot.git.clone_settings import names_other_files
from bot.git.git import run_in_checkout

_LINK = b"gitdir: "


class OwnSettings:
    """The settings that git uses in the checkout at `folder`, for the length of an order."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: tuple[tuple[bytes | None, ...], str] | None = None

    def list(self, *, environment: Mapping[str, str]) -> str:
        """What `git config --list --show-scope -z` prints now, or GitError."""
        files = read_files(self._folder)
        if self._known is not None and self._known[0] == files:
            return self._known[1]
        listed = _list(self._folder, "--show-scope", environment=environment)
        self._known = None
        if files is not None and files == read_files(self._folder) and not names_other_files(listed):
            self._known = files, listed
        return listed


def list_below(folder: Path, git_dir: Path, *, environment: Mapping[str, str]) -> str:
    """The same of the configurations of every clone of a submodule below `git_dir`, nested ones too."""
    listed = ""
    for head in (git_dir / "modules").rglob("HEAD"):
        if (head.parent / "objects").is_dir():
            for path in filter(Path.is_file, (head.with_name("config"), head.with_name("config.worktree"))):
                held = _list(folder, "--file", str(path), environment=environment)
                listed += "".join(f"local\0{setting}\0" for setting in held.split("\0") if setting)
    return listed


def _list(folder: Path, *how: str, environment: Mapping[str, str]) -> str:
    command = ("config", *how, "--includes", "--list", "-z")
    return run_in_checkout(folder, *command, environment=environment).decode("utf-8", "surrogateescape")


def read_files(folder: Path) -> tuple[bytes | None, ...] | None:
    """Everything by which git finds and reads the configuration of the clone at `folder`; None if it is not clear.

    Each content whole: a size and a time can be made what they were.
    """
    try:
        place = folder / ".git"
        link = _read(place) if place.is_file() else None  # of a submodule
        if link is not None:
            if not link.startswith(_LINK):
                return None
            place = folder / link.removeprefix(_LINK).decode().rstrip("\r\n")
        common = _read(place / "commondir")  # of a second work tree
        shared = place if common is None else place / common.decode().rstrip("\r\n")
        config = _read(shared / "config")
        return None if config is None else (link, common, config, _read(place / "config.worktree"))
    except (OSError, ValueError):
        return None


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
