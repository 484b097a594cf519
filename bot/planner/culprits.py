"""Make a plan in a child with limits; where it dies, find the stacks to blame, and plan the rest without them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Generic, NamedTuple, TypeVar

from bot.planner.guarded import Limits, StoppedError, run_guarded

_T = TypeVar("_T")
WHOLE = Limits(seconds=600, cpu_seconds=60)  # a hundred stacks, on a busy machine
ONE_STACK = Limits(seconds=120, cpu_seconds=20)


class StackPlace(NamedTuple):
    """A stack's folder in the old version or in the new one."""

    is_old: bool
    folder: str


Refused = Mapping[StackPlace, str]
"""The stacks that are not to be read, and why."""
NONE_REFUSED: Refused = MappingProxyType({})


class PlanWork(NamedTuple, Generic[_T]):
    """How a plan is made. Both are called in a child."""

    make: Callable[[Refused], _T]
    places: Callable[[], tuple[StackPlace, ...]]


def make_guarded(work: PlanWork[_T]) -> _T:
    """What `work` makes. A stack that would end the child is refused, with the limit that it ran into."""
    try:
        return run_guarded(lambda: work.make(NONE_REFUSED), WHOLE)
    except StoppedError:
        places = run_guarded(work.places, ONE_STACK)
    refused: dict[StackPlace, str] = {}
    for folder in dict.fromkeys(place.folder for place in places):
        refused |= _find_culprits(folder, places, work)
    if not refused:
        refused = dict.fromkeys(places, "all stacks together take too long or too much memory")
    return run_guarded(lambda: work.make(refused), WHOLE)


def _find_culprits(folder: str, places: tuple[StackPlace, ...], work: PlanWork[_T]) -> dict[StackPlace, str]:
    def stops(*kept: StackPlace) -> str:
        others = {place: "not tried" for place in places if place not in kept}
        try:
            run_guarded(lambda: work.make(others) and None, ONE_STACK)
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
