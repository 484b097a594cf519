"""What the service and its nodes say to each other: orders, invitations, reports. Pure values and their bytes.

Service and nodes are updated at different times, so every value here is read by older and newer versions than the
one that wrote it: docs/decisions/values-survive-versions.md.
"""

from __future__ import annotations

PROTOCOL_VERSION = 1
"""Grows only when a peer of before could no longer read what is sent; a field more is no new version."""
