"""Fixtures of the tests that need real programs."""

from __future__ import annotations

from tests.engine import engine

__all__ = ["engine"]
