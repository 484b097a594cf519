"""What somebody may do in a repository, and whether a pull request may be merged, as GitHub says."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """A user's permission in a repository, as the collaborator-permission API names it; weakest first."""

    UNKNOWN = "unknown"  # GitHub gave none that we know: it counts as none
    NONE = "none"
    READ = "read"
    TRIAGE = "triage"
    WRITE = "write"
    MAINTAIN = "maintain"
    ADMIN = "admin"

    def reaches(self, least: Permission) -> bool:
        """Whether this one includes `least`. UNKNOWN reaches nothing."""
        order = list(Permission)
        return self is not Permission.UNKNOWN and order.index(self) >= order.index(least)


class Verdict(StrEnum):
    """Whether an open pull request meets GitHub's own required reviews and checks, the bot's checks left out."""

    GOOD = "good"
    CONFLICTS = "conflicts"
    REVIEW_MISSING = "review_missing"
    CHANGES_REQUESTED = "changes_requested"
    CHECKS_FAILED = "checks_failed"
    CHECKS_PENDING = "checks_pending"
    UNKNOWN = "unknown"  # GitHub did not answer: it counts as no
