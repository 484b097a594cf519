"""What holds for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.engine import engine, shared_engine

__all__ = ["engine", "shared_engine"]

# Other tests share the processors: how long an example took says nothing. The same examples on every machine.
settings.register_profile(
    "shared machine", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("shared machine")


@pytest.fixture(autouse=True)
def _restore_umask() -> Iterator[None]:
    """A service started inside a test narrows the umask of this process; the next test begins with the old one."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)
