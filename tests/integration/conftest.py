"""Fixtures of the tests that need real programs."""

from __future__ import annotations

from tests.nodeworld import empty_node, node_images, node_world

__all__ = ["empty_node", "node_images", "node_world"]
