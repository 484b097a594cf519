"""Short waits of this process: call something at its time, from one thread. What is lost here the sweep finds."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterable

from bot.queue.lanes import Wake
from bot.storage.store import now_ms


class Alarms:
    """Calls `ring` for each Wake once it is due; of several for one turn of a lane only the earliest counts."""

    def __init__(self, ring: Callable[[Wake], None]) -> None:
        """`ring` must not raise, and should be quick."""
        self._ring = ring
        self._heap: list[tuple[int, str, int]] = []
        self._set: dict[tuple[str, int], int] = {}
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="inbox-alarms", daemon=True)

    def set(self, wakes: Iterable[Wake]) -> None:
        """Ring for each of `wakes` when it is due; before `start` they gather."""
        with self._changed:
            for wake in wakes:
                lane = (wake.key, wake.turn)
                if wake.due < self._set.get(lane, wake.due + 1):
                    self._set[lane] = wake.due
                    heapq.heappush(self._heap, (wake.due, wake.key, wake.turn))
            self._changed.notify()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopped and (not self._heap or self._heap[0][0] > now_ms()):
                    self._changed.wait((self._heap[0][0] - now_ms() + 1) / 1000 if self._heap else None)
                if self._stopped:
                    return
                due, key, turn = heapq.heappop(self._heap)
                if self._set.get((key, turn)) != due:
                    continue  # it was set again, for earlier
                del self._set[(key, turn)]
            self._ring(Wake(key=key, turn=turn, due=due))
