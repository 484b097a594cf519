"""What holds for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from sandbox.requests_log import OBSERVERS
from tests.engine import engine, shared_engine
from tests.openapi_requests import JUDGE

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


OBSERVERS.append(JUDGE.observe)


@pytest.fixture(autouse=True)
def _requests_are_described() -> Iterator[None]:
    """GitHub describes every request that was carried out, for github.com and for each Enterprise Server."""
    yield
    told = JUDGE.take()
    assert not told, f"no request like these is described by GitHub:\n{told}"
