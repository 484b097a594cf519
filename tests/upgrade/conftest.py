"""What the tests of nodes share with those of one version."""

from __future__ import annotations

from tests.nodeworld import empty_node, node_images

__all__ = ["empty_node", "node_images"]
