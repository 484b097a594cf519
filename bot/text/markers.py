"""The invisible marks by which the bot finds its own comments again, all in one place. Pure.

A comment is ours when it holds the mark and we wrote it: anybody may write the mark.
"""

from __future__ import annotations

from typing import Final

DRIFT: Final = "<!-- aios-bot:drift"  # in an issue; node, submodule and a fingerprint follow
NOTE: Final = "<!-- aios-bot:note -->"  # why a bump is held back
ROLLOUT: Final = "<!-- aios-bot:rollout"  # how far a merge is; the commit follows
UPSTREAM: Final = "<!-- aios-bot:upstream -->"  # what an upstream pull request would do to the fleets that pin it
PLAN: Final = "<!-- aios-bot:plan"  # in a bump's body; bot.features.bump.text.Marker as JSON follows
