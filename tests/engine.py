"""A real Docker Engine for the tests: one in each process, and empty at the start of each test but for images."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.engine import Engine, EngineError, SeparateEngine, start_engine

KEPT: list[Callable[[], None]] = []
"""What a test left on purpose for the next ones: how each is removed."""
REMOVAL_TIMEOUT = 60.0  # seconds; far longer than any removal takes


@pytest.fixture(scope="session")
def shared_engine() -> Iterator[SeparateEngine]:
    """The engine of this process. Tests take `engine`, which is the same one without what earlier tests left."""
    root = Path(tempfile.mkdtemp(prefix="aios-engine-"))  # short: sockets below it have a length limit
    try:
        with start_engine(root) as started:
            yield started
    finally:
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def engine(shared_engine: SeparateEngine) -> Iterator[Engine]:
    """A Docker Engine with no container, no network and no volume. Images of earlier tests may be there."""
    remove_kept()
    yield shared_engine
    remove_kept()
    empty(shared_engine)


def remove_kept() -> None:
    """Remove what tests left for each other."""
    while KEPT:
        KEPT.pop()()


def empty(engine: SeparateEngine, *, timeout: float = REMOVAL_TIMEOUT) -> None:
    """Remove all but the images, which take a while to make.

    An engine can wait for ever for the end of a container whose supervisor hangs; it is then started again, which
    ends them all.
    """
    try:
        _remove_all(engine, timeout)
    except EngineError:
        engine.restart()
        _remove_all(engine, timeout)


def _remove_all(engine: Engine, timeout: float) -> None:
    for listing, removing in (
        (("ps", "--all", "--quiet"), ("rm", "--force", "--volumes")),
        (("network", "ls", "--quiet", "--filter", "type=custom"), ("network", "rm")),
        (("volume", "ls", "--quiet"), ("volume", "rm", "--force")),
    ):
        found = engine.docker(*listing, timeout=timeout).split()
        if found:
            engine.docker(*removing, *found, timeout=timeout)
