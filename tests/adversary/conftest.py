"""The whole of aios-bot, as in the acceptance tests, and strangers beside it."""

from __future__ import annotations

from tests.acceptance.conftest import pytest_runtest_makereport, running
from tests.keptnode import kept_nodes, node_world
from tests.nodeworld import empty_node, node_images

__all__ = [
    "empty_node",
    "kept_nodes",
    "node_images",
    "node_world",
    "pytest_runtest_makereport",
    "running",
]
