"""Decide whether somebody may see a fleet, a plan or a log. Pure."""

from __future__ import annotations

from enum import StrEnum

from bot.domain.verdicts import Permission
from bot.features.visitors.facts import Sight, ViewFacts


class ViewReason(StrEnum):
    """Why somebody may see it, or may not."""

    MAY_READ = "may_read"  # the repository is private, or its fleet file opens the page to readers, or it is a plan
    MAY_WRITE = "may_write"
    NEEDS_READ = "needs_read"
    NEEDS_WRITE = "needs_write"  # of a public repository everybody is a reader

    @property
    def allows(self) -> bool:
        """Whether it may be seen."""
        return self in (ViewReason.MAY_READ, ViewReason.MAY_WRITE)


def decide_view(facts: ViewFacts) -> ViewReason:
    """Logs need write permission; a plan needs read; a fleet needs read where readers are few or invited."""
    if facts.permission.reaches(Permission.WRITE):
        return ViewReason.MAY_WRITE
    if not facts.permission.reaches(Permission.READ):
        return ViewReason.NEEDS_READ
    if facts.sight is Sight.PLAN:
        return ViewReason.MAY_READ
    if facts.sight is Sight.FLEET and (facts.private or facts.for_readers):
        return ViewReason.MAY_READ
    return ViewReason.NEEDS_WRITE
