"""Compare lists of a model in time proportional to their length. Pure."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from typing import Any

Item = tuple[int, Any]
"""An index, and what stands there."""


def find_differences(before: list[Any], after: list[Any]) -> tuple[list[Item], list[Item]]:
    """The items that only `before` has, and those that only `after` has."""
    then, now = [_key(item) for item in before], [_key(item) for item in after]
    known_then, known_now = set(then), set(now)
    removed = [(at, item) for at, item in enumerate(before) if then[at] not in known_now]
    return removed, [(at, item) for at, item in enumerate(after) if now[at] not in known_then]


class Twins:
    """Items that were removed, to be found by the target that another item has now."""

    def __init__(self, removed: list[Item]) -> None:
        self._removed = dict(removed)
        self._by_target: defaultdict[str, deque[int]] = defaultdict(deque)
        for at, item in removed:
            if isinstance(item, dict) and "target" in item:
                self._by_target[_target(item)].append(at)

    def take(self, item: Any) -> Item | None:
        """The first item left with the same target and protocol; it is then taken."""
        waiting = self._by_target.get(_target(item)) if isinstance(item, dict) else None
        if not waiting:
            return None
        at = waiting.popleft()
        return at, self._removed.pop(at)

    def left(self) -> list[Item]:
        """The items that nobody took."""
        return list(self._removed.items())


def _key(item: Any) -> str:
    return json.dumps(item, sort_keys=True)


def _target(item: dict[str, Any]) -> str:
    return _key([item.get("target"), item.get("protocol")])
