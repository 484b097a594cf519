"""What this process remembers of its GitHub while GitHub's own lists may not show it yet.

GitHub answers lists from indexes that lag behind writes by seconds (apache/texera#4620). What we made ourselves a
moment ago is known here, so that it is not made again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

LAG = 120.0  # seconds that a list may lie behind


class Memory:
    """Shared by the clients of one App. Safe between threads."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds."""
        self._clock = clock
        self._kept: dict[tuple[object, ...], tuple[float, Any]] = {}
        self._refused: set[str] = set()
        self._lock = threading.Lock()

    def keep(self, value: object, *key: object) -> None:
        """Remember `value` under `key` for as long as a list may lie behind."""
        now = self._clock()
        with self._lock:
            self._kept = {known: held for known, held in self._kept.items() if held[0] > now}
            self._kept[key] = (now + LAG, value)

    def find(self, *key: object) -> Any:
        """What was remembered under `key`, or None."""
        with self._lock:
            until, value = self._kept.get(key, (0.0, None))
        return value if until > self._clock() else None

    def note_refusal(self, parameter: str) -> None:
        """This server does not know `parameter`: it is not sent again."""
        with self._lock:
            self._refused.add(parameter)

    def refuses(self, parameter: str) -> bool:
        """Whether this server refused `parameter` before."""
        return parameter in self._refused
