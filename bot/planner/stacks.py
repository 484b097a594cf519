"""Find a snapshot's stacks, and what a node renders of each: its compose files and profiles."""

from __future__ import annotations

import fnmatch
import posixpath
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from bot.domain.names import StackName
from bot.domain.tool_settings import is_tool_setting
from bot.fleetfile import Node, Platform, Submodule
from bot.planner.dotenv import read_dotenv
from bot.planner.render_request import RenderRequest
from bot.planner.snapshot import Snapshot
from bot.planner.snapshot_files import BlobReader, OutsideError, SnapshotFiles, TooLargeError
from bot.planner.stack_files import find_default_files

_MAX_ENV = 1024 * 1024  # bytes
_LINK = "120000"
_SETTINGS = ("COMPOSE_FILE", "COMPOSE_PATH_SEPARATOR", "COMPOSE_PROFILES")


class Stack(NamedTuple):
    """A stack folder. `dotenv` is its `.env`, where that names settings of compose such as COMPOSE_FILE."""

    name: StackName
    folder: str
    dotenv: str = ""

    @property
    def leaf(self) -> str:
        """The folder's own name, by which a fleet file may call the stack too."""
        return posixpath.basename(self.folder)

    def runs_on(self, node: Node) -> bool:
        """Whether `node` runs the stack."""
        return not node.stacks or self.name in node.stacks or self.leaf in node.stacks


def find_stacks(snapshot: Snapshot, submodule: Submodule) -> dict[StackName, str]:
    """Name and folder of each stack that the submodule holds, in deployment order.

    `stacks` is a glob of as many folders as a stack is deep: `*`, `?` and `[...]` stay within one name. A stack is
    called by its folder's name; where several folders have the same, by its path below the glob's fixed part.
    """
    pattern = f"{submodule.path}/{submodule.stacks}"
    depth = pattern.count("/")
    folders = sorted(path for path in _folders(snapshot, depth) if fnmatch.fnmatchcase(path, pattern))
    leaves = Counter(posixpath.basename(folder) for folder in folders)
    fixed = "".join(f"{part}/" for part in _fixed_parts(pattern))
    found = {}
    for folder in folders:
        leaf = posixpath.basename(folder)
        found[StackName(leaf if leaves[leaf] == 1 else folder.removeprefix(fixed))] = folder
    rank = {name: index for index, name in enumerate(submodule.order)}

    def place(item: tuple[StackName, str]) -> tuple[int, str]:
        name, folder = item
        known = rank.get(name, rank.get(StackName(posixpath.basename(folder))))
        return (len(rank) if known is None else known, name)

    return dict(sorted(found.items(), key=place))


def _folders(snapshot: Snapshot, depth: int) -> set[str]:
    """The folders at `depth` with a file in them, and links there that lead to one."""
    found = set()
    files = SnapshotFiles(BlobReader(snapshot, largest=_MAX_ENV))
    for path, entry in snapshot.entries.items():
        slashes = path.count("/")
        if slashes == depth + 1 and entry.kind == "blob":
            found.add(path.rpartition("/")[0])
        elif slashes == depth and entry.mode == _LINK:
            try:
                real = files.find(path)
            except OutsideError:
                continue
            if real is not None and files.is_folder(real):
                found.add(path)
    return found


def _fixed_parts(pattern: str) -> Iterator[str]:
    for part in pattern.split("/"):
        if any(char in part for char in "*?["):
            return
        yield part


def read_stacks(snapshot: Snapshot, submodule: Submodule) -> list[Stack]:
    """The stacks with what their `.env` files say to compose itself. One git process reads all of these."""
    found = find_stacks(snapshot, submodule)
    blobs = BlobReader(snapshot, largest=_MAX_ENV)
    files = SnapshotFiles(blobs)
    real = {name: _find(files, f"{folder}/.env") for name, folder in found.items()}
    blobs.fetch([path for path in real.values() if path])
    return [Stack(name, folder, _read_dotenv(blobs, real[name])) for name, folder in found.items()]


def _find(files: SnapshotFiles, path: str) -> str | None:
    try:
        real = files.find(path)
    except OutsideError:
        return None  # the rendering says so
    return real if real is not None and ":" in files.state_of(real) else None


def _read_dotenv(blobs: BlobReader, path: str | None) -> str:
    try:
        text = blobs.read(path).decode("utf-8", "replace") if path is not None else ""
    except TooLargeError:
        return ""  # the rendering says so
    return text if any(name in text for name in _SETTINGS) else ""


def _read_settings(stack: Stack, node: Node) -> tuple[dict[str, str], str]:
    """The settings of compose in the stack's `.env`, and why one cannot be read."""
    known = {name: value for name, value in node.variables.items() if not is_tool_setting(name)}
    every = read_dotenv(stack.dotenv, known) if stack.dotenv else {}
    found = {name: every[name] for name in _SETTINGS if name in every}
    unknown = [name for name, value in found.items() if value is None]
    problem = f"{unknown[0]} is made of variables that are not known here; write the value itself" if unknown else ""
    settings = {name: value for name, value in found.items() if value}
    return settings, f"{stack.folder}/.env: {problem}" if problem else ""


def make_request(node: Node, stack: Stack, snapshot: Snapshot, *, is_old: bool) -> RenderRequest:
    """What `node` renders of `stack`: as the fleet file says, else the stack's `.env`, else compose's own rule."""
    named = node.files.get(stack.name, ()) or node.files.get(StackName(stack.leaf), ())
    settings, problem = _read_settings(stack, node)
    files = named or _listed_files(node, settings) or find_default_files(snapshot, stack.folder)
    if is_old and named:
        # An overlay that the fleet file names may have come with this very change.
        files = tuple(name for name in files if snapshot.oid(posixpath.normpath(f"{stack.folder}/{name}")))
    listed = settings.get("COMPOSE_PROFILES", "")
    profiles = node.profiles or tuple(name.strip() for name in listed.split(",") if name.strip())
    return RenderRequest(
        folder=stack.folder, files=files, profiles=profiles, variables=node.variables, problem=problem
    )


def _listed_files(node: Node, settings: Mapping[str, str]) -> tuple[str, ...]:
    separator = ";" if node.platform is Platform.WINDOWS else ":"
    separator = settings.get("COMPOSE_PATH_SEPARATOR", separator)
    listed = settings.get("COMPOSE_FILE", "")
    return tuple(name.strip() for name in listed.split(separator) if name.strip())
