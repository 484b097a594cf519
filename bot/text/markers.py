"""The hidden markers by which the bot finds its own comments and issues again. Pure.

A comment is ours when it holds the marker and we are its author: anybody may write a marker.
"""

from __future__ import annotations

from typing import Final

DRIFT: Final = "<!-- aios-bot:drift"  # in an issue; node, submodule and fingerprint follow
QUEUE: Final = "<!-- aios-bot:queue -->"  # why a merge group failed its check
NOTE: Final = "<!-- aios-bot:note -->"  # why a bump is held back
ROLLOUT: Final = "<!-- aios-bot:rollout"  # the state of a merge's deployment; the commit follows
UPSTREAM: Final = "<!-- aios-bot:upstream -->"  # what an upstream pull request would do to the fleets that pin it
PLAN: Final = "<!-- aios-bot:plan"  # in a bump's body; a JSON object follows
