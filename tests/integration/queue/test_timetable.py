"""Tasks at fixed times, each once over all replicas, whatever the clock does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot.queue import timetable
from bot.queue.timetable import Schedule, Timetable
from bot.service.database import open_store
from bot.storage.store import Store

HOUR = 3600


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/aios-bot.sqlite3")
    yield opened
    opened.close()


class Clock:
    """The time, as a test sets it; the timetable looks at it again at once."""

    def __init__(self, text: str) -> None:
        self.now = 0.0
        self.set(text)

    def set(self, text: str) -> None:
        self.now = datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    one = Clock("2026-11-30 12:00")
    monkeypatch.setattr(timetable, "time", SimpleNamespace(time=lambda: one.now))
    monkeypatch.setattr(timetable, "_LONGEST_PAUSE", 0.01)
    return one


@pytest.fixture
def run(store: Store) -> Iterator[Callable[[Schedule], Timetable]]:
    """Starts a replica's timetable with one schedule; stops it in the end."""
    started: list[Timetable] = []

    def start(schedule: Schedule) -> Timetable:
        started.append(Timetable(store, {"task": schedule}))
        started[-1].start()
        return started[-1]

    yield start
    for one in started:
        one.stop()


def wait_for(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)  # once more would be seen
    return condition()


def test_a_time_of_the_day_is_that_of_utc() -> None:
    nightly = Schedule(24 * HOUR, lambda: None, after=3 * HOUR + 43 * 60)
    noon = datetime(2026, 11, 30, 12, 0, tzinfo=UTC).timestamp()
    assert datetime.fromtimestamp(nightly.next_time(noon), UTC) == datetime(2026, 12, 1, 3, 43, tzinfo=UTC)
    before = datetime(2026, 11, 30, 3, 42, 59, tzinfo=UTC).timestamp()
    assert datetime.fromtimestamp(nightly.next_time(before), UTC) == datetime(2026, 11, 30, 3, 43, tzinfo=UTC)
    assert nightly.number(before + 1) == nightly.number(before) + 1


def test_a_task_runs_at_its_times_and_not_before(clock: Clock, run: Callable[[Schedule], Timetable]) -> None:
    ran: list[float] = []
    run(Schedule(6 * HOUR, lambda: ran.append(clock.now), after=17 * 60))
    clock.set("2026-11-30 12:16:59")
    assert wait_for(lambda: not ran)
    clock.set("2026-11-30 12:17")
    assert wait_for(lambda: len(ran) == 1)
    clock.set("2026-11-30 18:16")
    assert wait_for(lambda: len(ran) == 1)
    clock.set("2026-11-30 18:18")
    assert wait_for(lambda: len(ran) == 2)


def test_a_task_runs_once_over_all_replicas(clock: Clock, run: Callable[[Schedule], Timetable]) -> None:
    ran: list[float] = []
    for _ in range(4):
        run(Schedule(HOUR, lambda: ran.append(clock.now)))
    clock.set("2026-11-30 13:00")
    assert wait_for(lambda: len(ran) == 1)


def test_the_last_time_that_was_missed_is_made_up_for(clock: Clock, run: Callable[[Schedule], Timetable]) -> None:
    ran: list[float] = []
    schedule = Schedule(24 * HOUR, lambda: ran.append(clock.now), after=3 * HOUR)
    run(schedule).stop()
    clock.set("2026-12-04 12:00")  # off for four nights
    assert ran == []
    run(schedule)
    assert wait_for(lambda: len(ran) == 1)


def test_a_clock_that_was_far_ahead_stops_nothing(clock: Clock, run: Callable[[Schedule], Timetable]) -> None:
    ran: list[float] = []
    clock.set("2036-01-01 00:00")
    run(Schedule(HOUR, lambda: ran.append(clock.now)))
    clock.set("2026-11-30 12:30")
    assert wait_for(lambda: len(ran) == 1)
    clock.set("2026-11-30 13:00")
    assert wait_for(lambda: len(ran) == 2)


def test_a_replica_whose_clock_is_late_does_not_run_it_once_more(clock: Clock, store: Store) -> None:
    ran: list[float] = []
    early, late = (Timetable(store, {"task": Schedule(HOUR, lambda: ran.append(clock.now))}) for _ in range(2))
    early.start()
    early.stop()
    number = Schedule(HOUR, lambda: None).number(clock.now)
    early._run_once("task", number + 1)
    late._run_once("task", number)
    late._run_once("task", number + 1)
    assert len(ran) == 1


def test_a_task_that_fails_runs_at_its_next_time(clock: Clock, run: Callable[[Schedule], Timetable]) -> None:
    ran: list[float] = []

    def fail() -> None:
        ran.append(clock.now)
        raise OSError("no disk")

    run(Schedule(HOUR, fail))
    for hour, times in ((13, 1), (14, 2)):
        clock.set(f"2026-11-30 {hour}:00")
        assert wait_for(lambda times=times: len(ran) == times)  # type: ignore[misc]  # mypy infers no default's type


def test_a_timetable_with_nothing_in_it_starts_no_thread(store: Store) -> None:
    before = set(threading.enumerate())
    Timetable(store, {}).start()
    assert [one for one in threading.enumerate() if one not in before and one.name == "timetable"] == []
