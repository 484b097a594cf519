"""From bot/agent/state.py: say here what this module is for."""

from __future__ import annotations

from enum import StrEnum


class End(StrEnum):
    """How an order ended on the node."""

    SUCCESS = "success"
    ROLLED_BACK = "rolled_back"  # it failed, and what ran before runs again
    FAILED = "failed"  # it failed, and what ran before could not be put back
    UNTOUCHED = "untouched"  # it failed before anything was touched
    REFUSED = "refused"  # it was not allowed to begin; nothing was touched
