"""Run tasks at fixed times of the day, each once over all replicas of the service."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from bot.storage.store import Store

_LOG = logging.getLogger("bot.timetable")
_LONGEST_PAUSE = 60.0  # seconds: the clock may be set meanwhile

# What is new in a timetable waits for its next time.
_MAKE = sa.text("INSERT INTO schedules (name, time) VALUES (:name, :time) ON CONFLICT (name) DO NOTHING")
# A replica whose clock is a little late does not run the time before once more; a clock that was once far ahead does
# not stop a schedule for good.
_TAKE = sa.text(
    "UPDATE schedules SET time = :time WHERE name = :name AND (time < :time OR time > :time + 1) RETURNING name"
)


@dataclass(frozen=True)
class Schedule:
    """Run `task` every `every` seconds, for the first time each day `after` seconds after midnight, UTC.

    Of the times that passed while no replica was running, the last is made up for at the next start.
    """

    every: int
    task: Callable[[], None]
    after: int = 0

    def number(self, now: float) -> int:
        """The number of the last time that has come at `now` (seconds since 1970)."""
        return int(now - self.after) // self.every

    def next_time(self, now: float) -> float:
        """The next time, in seconds since 1970."""
        return float((self.number(now) + 1) * self.every + self.after)


class Timetable:
    """Runs schedules by their names, from one thread."""

    def __init__(self, store: Store, schedules: Mapping[str, Schedule]) -> None:
        self._store = store
        self._schedules = schedules
        self._stopping = threading.Event()

    def start(self) -> None:
        """Run from now on what its time has come for."""
        now = time.time()
        rows = [{"name": name, "time": schedule.number(now)} for name, schedule in self._schedules.items()]
        if rows:
            self._store.write(lambda connection: connection.execute(_MAKE, rows))
            threading.Thread(target=self._run, name="timetable", daemon=True).start()

    def stop(self) -> None:
        """Begin no further task; does not wait."""
        self._stopping.set()

    def _run(self) -> None:
        tried: dict[str, int] = {}
        while not self._stopping.is_set():
            for name, schedule in self._schedules.items():
                number = schedule.number(time.time())
                if tried.get(name) != number and not self._stopping.is_set():
                    tried[name] = number
                    self._run_once(name, number)
            now = time.time()
            pauses = (schedule.next_time(now) - now for schedule in self._schedules.values())
            self._stopping.wait(min(_LONGEST_PAUSE, *pauses))

    def _run_once(self, name: str, number: int) -> None:
        """Run the task unless another replica has taken this time."""
        row = {"name": name, "time": number}
        try:
            if self._store.write(lambda connection: connection.execute(_TAKE, row).first()) is not None:
                self._schedules[name].task()
        except Exception:  # noqa: BLE001 - one task's failure must not stop the others
            _LOG.exception("the scheduled task %s failed; it runs again at its next time", name)
