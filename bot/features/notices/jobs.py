"""The jobs that keep conditions which no other job of a fleet would end, and what triggers them."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.events import Event, PullRequestChanged
from bot.domain.names import PullNumber
from bot.features.fleets.facts import PinIndex
from bot.features.fleets.jobs import Access, AccessRead, FleetJob, FoundEvent, Job, PullsListed


class NoteAccess(FleetJob, frozen=True, tag="note_access"):
    """Keep what the App may not do in a fleet; `problem` is empty when it may do all that it needs."""

    access: ClassVar[Access] = Access.APP  # it asks GitHub nothing

    problem: str = ""
    url: str = ""


class EndWaiting(FleetJob, frozen=True, tag="end_waiting"):
    """End what waits for a person in pull requests that are not open: `closed`, or all but the `opened`."""

    access: ClassVar[Access] = Access.APP

    closed: PullNumber | None = None
    opened: tuple[PullNumber, ...] = ()


def triggers(event: Event | FoundEvent, index: PinIndex) -> list[Job]:
    """The jobs of this feature that `event` calls for."""
    match event:
        case AccessRead():
            fleet, installation = event.fleet, event.installation
            return [NoteAccess(fleet=fleet, installation=installation, problem=event.problem, url=event.url)]
        case PullRequestChanged() if event.action == "closed" and index.pins_of(event.repo):
            return [EndWaiting(fleet=event.repo, installation=event.installation, closed=event.number)]
        case PullsListed() if index.pins_of(event.repo):
            return [EndWaiting(fleet=event.repo, installation=event.installation, opened=event.numbers)]
    return []
