"""Write a file so that a stop at any moment, a power cut too, leaves it as it was or as it is to be."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Replace the file at `path`, or make it with `mode` (less the umask). OSError leaves it as it was."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)  # with a mode of its own
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # its new name must not be on the disk before what it holds
    fresh.replace(path)
