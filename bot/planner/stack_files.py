"""The names of a stack's files: those that compose finds by itself, and those that it is likely to read."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import partial

from bot.planner.snapshot import Snapshot
from bot.planner.snapshot_files import describe

MAX_FILE = 1024 * 1024  # bytes of one env file; compose files have a smaller limit of their own
DEFAULT_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_OVERRIDES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
_MAX_LIKELY = 50  # files of a folder that are read in advance although nothing names them yet


def find_default_files(snapshot: Snapshot, folder: str) -> tuple[str, ...]:
    """The compose files that compose finds by itself in `folder`, relative to it; empty when there is none."""
    return find_files(partial(describe, snapshot), folder)


def find_files(state_of: Callable[[str], str], folder: str) -> tuple[str, ...]:
    """The same, where `state_of(path)` is "" for a path at which nothing stands."""
    prefix = f"{folder}/" if folder else ""

    def first(names: tuple[str, ...]) -> tuple[str, ...]:
        return next(((name,) for name in names if state_of(prefix + name)), ())

    main = first(DEFAULT_FILES)
    return main + first(_OVERRIDES) if main else ()


def likely_files(snapshot: Snapshot, folder: str, files: Sequence[str]) -> list[str]:
    """Paths that the stack in `folder` will most likely read, so that one git process can read all of them."""
    prefix = f"{folder}/" if folder else ""
    named = [prefix + name for name in (*(files or (*DEFAULT_FILES, *_OVERRIDES)), ".env")]
    beside = (
        path
        for path in snapshot.entries
        if path.startswith(prefix) and path.endswith((".yaml", ".yml", ".env")) and "/" not in path[len(prefix) :]
    )
    return [*named, *itertools.islice(beside, _MAX_LIKELY)]
