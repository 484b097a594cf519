"""Shapes and words of GitHub's API that more than one endpoint or event has, each declared once.

A structure holds the fields that the bot reads; GitHub adds fields freely. An enumeration that GitHub may extend is
no field's type: a response with a new word must stay readable, and compares unequal to all that are known.
"""

from __future__ import annotations

from enum import StrEnum

from bot.domain.values import Wire


class ReviewState(StrEnum):
    """The states of a submitted review that count."""

    APPROVED = "APPROVED"
    CHANGES_REQUESTED = "CHANGES_REQUESTED"
    DISMISSED = "DISMISSED"


class Conclusion(StrEnum):
    """How a completed check run ended."""

    SUCCESS = "success"
    NEUTRAL = "neutral"
    SKIPPED = "skipped"
    STALE = "stale"
    FAILURE = "failure"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    ACTION_REQUIRED = "action_required"
    STARTUP_FAILURE = "startup_failure"


PASSED = frozenset({Conclusion.SUCCESS, Conclusion.NEUTRAL, Conclusion.SKIPPED})
FAILED = frozenset(Conclusion) - PASSED - {Conclusion.STALE}


class User(Wire, frozen=True):
    """An account. `type` is "User" for a person; what names none is not taken for one."""

    login: str
    type: str = ""


class AppSlug(Wire, frozen=True):
    """The App that made something. Its `id` never changes; an App that is renamed has another slug."""

    id: int
    slug: str


class RepositoryRef(Wire, frozen=True):
    """A repository by its name."""

    full_name: str


class Ref(Wire, frozen=True):
    """A branch, by its name, at a commit."""

    ref: str
    sha: str


class PullEnd(Ref, frozen=True):
    """Head or base of a pull request. `repo` is None when the fork is gone."""

    repo: RepositoryRef | None = None

    def is_outside(self, repo: str) -> bool:
        """Whether the branch lives in another repository than `repo`."""
        return self.repo is None or self.repo.full_name.lower() != repo.lower()


class Label(Wire, frozen=True):
    """A label of a pull request."""

    name: str


class Sha(Wire, frozen=True):
    """A git object."""

    sha: str


class Branch(Wire, frozen=True):
    """A branch and the commit it is at."""

    commit: Sha
