"""The whole of aios-bot, as in the acceptance tests, and strangers beside it."""

from __future__ import annotations

from tests.acceptance.conftest import pytest_runtest_makereport, running

__all__ = ["pytest_runtest_makereport", "running"]
