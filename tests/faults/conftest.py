"""Fixtures of the tests that break things."""

from __future__ import annotations

from tests.keptnode import kept_nodes, node_world
from tests.nodeworld import empty_node, node_images

__all__ = ["empty_node", "kept_nodes", "node_images", "node_world"]
