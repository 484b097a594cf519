"""The job that ends a person's sessions, and the event that calls for it."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.events import AuthorizationRevoked, Event
from bot.domain.names import RepoName
from bot.features.fleets.facts import PinIndex
from bot.features.fleets.jobs import Access, FoundEvent, Job


class EndSessions(Job, frozen=True, tag="end_sessions"):
    """End every session of a person: they revoked the App's authorisation on GitHub."""

    person: int  # GitHub's number of the account
    access: ClassVar[Access] = Access.APP
    urgent: ClassVar[bool] = True

    @property
    def key(self) -> str:
        return "sessions"

    def repositories(self, index: PinIndex) -> tuple[RepoName, ...]:  # noqa: ARG002 - the same for every job
        return ()


def triggers(event: Event | FoundEvent, index: PinIndex) -> list[Job]:  # noqa: ARG001 - every feature's signature
    """The jobs of this feature that `event` calls for."""
    return [EndSessions(person=event.person)] if isinstance(event, AuthorizationRevoked) else []
