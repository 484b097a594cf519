"""Write a file so that a stop at any moment, a power cut too, leaves it as it was or as it is to be."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_whole(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Replace the file at `path`, or make it with `mode` (less the umask). An OSError leaves it as it was."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)  # with a mode of its own
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with naming(path), os.fdopen(os.open(fresh, flags, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # its new name must not be on the disk before what it holds
    fresh.replace(path)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """An OSError inside names `path` if it names nothing, as that of a write to a full disk."""
    try:
        yield
    except OSError as problem:
        problem.filename = problem.filename or str(path)
        raise
