"""From bot/features/commands/facts/command.py: say here what this module is for."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """A person's permission in a repository, as the collaborator-permission API says it; weakest first."""

    UNKNOWN = "unknown"  # GitHub did not say: it is none
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
    """What GitHub itself says of an open pull request's required reviews and checks, the bot's own left out."""

    GOOD = "good"
    CONFLICTS = "conflicts"
    REVIEW_MISSING = "review_missing"
    CHANGES_REQUESTED = "changes_requested"
    CHECKS_FAILED = "checks_failed"
    CHECKS_PENDING = "checks_pending"
    UNKNOWN = "unknown"  # GitHub did not say: it is no
