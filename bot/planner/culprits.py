"""Make a plan in a child with limits; where it dies, find the stacks to blame, and plan the rest without them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple, Protocol, TypeVar

from bot.planner.guarded import ChildRunner, Limits, StoppedError

_T = TypeVar("_T")
_Made_co = TypeVar("_Made_co", covariant=True)
WHOLE = Limits(seconds=600, cpu_seconds=60)  # a hundred stacks, on a busy machine
ONE_STACK = Limits(seconds=120, cpu_seconds=20)


class StackPlace(NamedTuple):
    """A stack's folder in the old version or in the new one."""

    is_old: bool
    folder: str


Refused = Mapping[StackPlace, str]
"""The stacks that are not to be read, and why."""
NONE_REFUSED: Refused = {}


class PlanWork(Protocol[_Made_co]):
    """How a plan is made. Both are called in a child, so it has to be picklable."""

    def make(self, refused: Refused) -> _Made_co:
        """The plan, without reading the stacks in `refused`."""

    def places(self) -> tuple[StackPlace, ...]:
        """Every stack that it would read."""


def make_guarded(work: PlanWork[_T], guard: ChildRunner) -> _T:
    """What `work` makes. A stack that would end the child is refused, with the limit that it ran into."""
    try:
        return guard(partial(work.make, NONE_REFUSED), WHOLE)
    except StoppedError:
        places = guard(work.places, ONE_STACK)
    refused: dict[StackPlace, str] = {}
    for folder in dict.fromkeys(place.folder for place in places):
        refused |= _find_culprits(folder, places, work, guard)
    if not refused:
        refused = dict.fromkeys(places, "all stacks together take too long or too much memory")
    return guard(partial(work.make, refused), WHOLE)


def _find_culprits(
    folder: str, places: tuple[StackPlace, ...], work: PlanWork[object], guard: ChildRunner
) -> dict[StackPlace, str]:
    def stops(*kept: StackPlace) -> str:
        others = {place: "not tried" for place in places if place not in kept}
        try:
            guard(partial(_try, work, others), ONE_STACK)
        except StoppedError as problem:
            return f"{folder}: its plan was stopped, because {problem}"
        return ""

    own = [place for place in places if place.folder == folder]
    together = stops(*own)
    if not together:
        return {}
    alone = {place: message for place in own if len(own) > 1 and (message := stops(place))}
    newest = min(own)  # False comes before True
    return alone or {newest: together}


def _try(work: PlanWork[object], refused: Refused) -> None:
    work.make(refused)
