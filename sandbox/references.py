"""Tell whether a reference of a bare repository has moved, without starting git."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

Reference = tuple[str, int, int]  # path, inode and time of a reference's file


def read_references(repository: Path) -> frozenset[Reference]:
    """Every reference of a bare repository: its file, which git writes anew and renames at each change."""
    packed = [(str(path), *_identity(path.stat())) for path in (repository / "packed-refs",) if path.exists()]
    return frozenset([*_read_folder(f"{repository}/refs"), *packed])


def _read_folder(folder: str) -> Iterator[Reference]:
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _read_folder(entry.path)
            else:
                yield entry.path, *_identity(entry.stat())


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_ino, found.st_mtime_ns
