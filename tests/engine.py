"""The engine fixture, for every test package that needs a real one: `from tests.engine import engine`."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sandbox.engine import Engine, start_engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """A Docker Engine of this test process's own, with no image and no container at the start."""
    root = Path(tempfile.mkdtemp(prefix="aios-engine-"))  # short: sockets below it have a length limit
    try:
        with start_engine(root) as started:
            yield started
    finally:
        shutil.rmtree(root, ignore_errors=True)
