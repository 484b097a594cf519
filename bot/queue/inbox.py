"""The durable queue: store deliveries and jobs, and run a handler for each job.

What is due, claimed and done stands in the tables (lanes.py), and which replica runs which turn of a lane (turns.py);
threads of this process run the drains. What a process leaves behind, by a crash or a stop, is found by a sweep: its
own at the next start, or another replica's. Why there is no library for this: docs/decisions/durable-queue.md.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.errors import BotError, RetryLater
from bot.observability.log import hide_secrets, log_context
from bot.queue import admin, former_engine, lanes, replicas, turns
from bot.queue.alarms import Alarms
from bot.queue.lanes import Burst, Claimed, Delivery, QueuedJob, Wake
from bot.queue.metrics import RUNS, RunOutcome
from bot.queue.timetable import Schedule, Timetable
from bot.queue.turns import Drain
from bot.storage.store import Store, now_ms

_LOG = logging.getLogger("bot.inbox")
_PAUSE_MS = 1_000  # before a drain that was interrupted goes on
_ONLY_REPLICA = "local"  # on SQLite


class Stored(StrEnum):
    """Whether a delivery was stored now or is known already."""

    NEW = "new"
    DUPLICATE = "duplicate"


@dataclass(frozen=True)
class RetryPolicy:
    """When a failed job is tried again, and how often the queue checks on itself. Times in seconds."""

    burst: Burst = field(default_factory=Burst)
    tries_after: tuple[float, ...] = (2.0, 10.0, 60.0, 600.0)  # pauses before a failed job is retried
    crashes: int = 10  # of the process in one job, after which the job is given up
    sweep: float = 60.0
    beat: float = 5.0  # between two heartbeats, where there are replicas
    dead_after: float = 30.0  # without a heartbeat


class Inbox:
    """The queue of one process."""

    def __init__(self, store: Store, *, workers: int = 8, policy: RetryPolicy | None = None) -> None:
        """`workers` lanes run side by side. The store stays the caller's to close, after `stop`."""
        self.store = store
        self._policy = policy or RetryPolicy()
        self._handler: Callable[[QueuedJob], None] | None = None
        self._replica = _ONLY_REPLICA if store.is_sqlite else uuid.uuid4().hex
        self._beside_dbos = former_engine.may_run(store)
        self._alarms = Alarms(self._start_drain)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="drain")
        self._active: set[tuple[str, int]] = set()  # the turns that this process runs, or is about to
        self._active_changed = threading.Condition()
        self._stopping = threading.Event()
        self._sweeper = threading.Thread(target=self._maintenance_loop, name="sweep", daemon=True)
        self._timetable: Timetable | None = None

    # -- storing --------------------------------------------------------------------------------------------

    def store_delivery(self, delivery: Delivery) -> Stored:
        """Store a delivery and its jobs in one transaction, then wake their lanes. Safe from any thread."""
        wakes = lanes.store_delivery(self.store, delivery, self._policy.burst)
        if wakes is None:
            return Stored.DUPLICATE
        self._alarms.set(wakes)
        return Stored.NEW

    def add_jobs(self, jobs: Iterable[QueuedJob]) -> None:
        """Store jobs that no delivery called for (a schedule's, another job's), then wake their lanes."""
        self._alarms.set(lanes.add_jobs(self.store, jobs, self._policy.burst))

    # -- start and stop -------------------------------------------------------------------------------------

    def start(self, handler: Callable[[QueuedJob], None], *, schedules: Mapping[str, Schedule] | None = None) -> None:
        """Run `handler` for every job, those of an earlier process first. It must be safe to run a job twice.

        RetryLater from the handler puts the job back for that long; any other exception is retried a few
        times, after which the job has failed and the lane goes on.
        """
        self._handler = handler
        if self.store.is_sqlite:
            turns.end_all_turns(self.store)  # nothing runs yet, so every turn that has not ended was cut off
            former_engine.delete_file(self.store)
        else:
            self._beat()  # signed on before anything is run: what an unknown replica runs, the others take for lost
        self._sweep()
        self._alarms.start()
        self._sweeper.start()
        self._timetable = Timetable(self.store, schedules or {})
        self._timetable.start()

    def begin_stop(self) -> None:
        """Start no further job. Those in flight go on, deliveries are still stored; does not wait."""
        self._stopping.set()
        self._alarms.stop()
        if self._timetable is not None:
            self._timetable.stop()

    def stop(self, timeout: float = 10.0) -> bool:
        """Start no further job, wait for those in flight. False when some still run after `timeout` seconds.

        What is left stays in the tables for the next start, or for another replica.
        """
        deadline = time.monotonic() + timeout
        self.begin_stop()
        with self._active_changed:
            idle = self._active_changed.wait_for(lambda: not self._active, max(0.0, timeout - 1.0))
            if not idle:
                _LOG.warning("cut off, to be run again at the next start: %s", sorted(self._active))
        if self._sweeper.is_alive():
            self._sweeper.join(max(0.1, deadline - time.monotonic()))
        self._pool.shutdown(wait=False, cancel_futures=True)
        if not self.store.is_sqlite:
            replicas.sign_off(self.store, self._replica)  # what is left is taken over at once
        return idle

    def is_alive(self) -> bool:
        """Whether jobs are being run: for /readyz."""
        return not self._stopping.is_set() and self._alarms.is_alive()

    def wait_until_idle(self, timeout: float) -> bool:
        """Wait until nothing is waiting or running; jobs that are held for later do not count."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            left = admin.count_open(self.store)
            if not left["waiting"] and not left["running"] and not self._active:
                return True
            time.sleep(0.01)
        return False

    # -- running --------------------------------------------------------------------------------------------

    def _start_drain(self, wake: Wake) -> None:
        """Run the lane's turn in a thread, unless one does: it looks for work until the turn ends."""
        lane = (wake.key, wake.turn)
        with self._active_changed:
            if lane in self._active or self._stopping.is_set():
                return
            self._active.add(lane)
        self._pool.submit(self._drain, Drain(*lane, self._replica, self._beside_dbos))

    def _drain(self, drain: Drain) -> None:
        """Run the due jobs of a lane until there are none."""
        try:
            left = self._run_lane(drain)
            if left is not None:
                self._alarms.set((left,))
        except Exception:  # noqa: BLE001 - the database failed us
            _LOG.exception("the work of %s was interrupted", drain.key)
            self._alarms.set((Wake(key=drain.key, turn=drain.turn, due=now_ms() + _PAUSE_MS),))
        finally:
            with self._active_changed:
                self._active.discard((drain.key, drain.turn))
                self._active_changed.notify_all()

    def _run_lane(self, drain: Drain) -> Wake | None:
        begun = False
        while True:
            if self._stopping.is_set():
                if begun:  # or it would be another replica's turn that ends
                    turns.end_turn(self.store, drain)
                return None
            found = lanes.claim(self.store, drain, uuid.uuid4().hex, self._policy.burst)
            if not isinstance(found, Claimed):
                return found
            begun = True
            with log_context(delivery=" ".join(found.deliveries[:3]), look=drain.key):
                if not self._run_job(found):
                    return None

    def _run_job(self, claimed: Claimed) -> bool:
        """Run one claimed job and settle it. False when another replica took it over."""
        assert self._handler is not None  # noqa: S101 - start() sets it
        if claimed.attempts > max(self._policy.crashes, len(self._policy.tries_after) + 1):
            return lanes.finish(self.store, claimed.run, error="given up: it was interrupted too many times")
        try:
            self._handler(claimed.job)
        except RetryLater as wait:
            _LOG.info("held for %.0f s: %s", wait.seconds, wait)
            self._count(claimed, RunOutcome.HELD)
            return lanes.hold(
                self.store,
                claimed.run,
                seconds=max(wait.seconds, 0.1),
                because=hide_secrets(str(wait)),
                forget_attempts=True,
            )
        except Exception as problem:  # noqa: BLE001 - one job's failure must not stop the lane
            return self._settle_failed(claimed, problem)
        self._count(claimed, RunOutcome.DONE)
        return lanes.finish(self.store, claimed.run)

    def _settle_failed(self, claimed: Claimed, problem: Exception) -> bool:
        text = hide_secrets(str(problem) if isinstance(problem, BotError) else f"{type(problem).__name__}: {problem}")
        if claimed.attempts <= len(self._policy.tries_after):
            pause = self._policy.tries_after[claimed.attempts - 1]
            self._count(claimed, RunOutcome.TRIED_AGAIN)
            _LOG.warning("failed, retrying in %.0f s: %s", pause, text)
            return lanes.hold(self.store, claimed.run, seconds=pause, because=text, forget_attempts=False)
        self._count(claimed, RunOutcome.FAILED)
        _LOG.error("failed %d times, given up: %s", claimed.attempts, text, exc_info=problem)
        return lanes.finish(self.store, claimed.run, error=text)

    @staticmethod
    def _count(claimed: Claimed, outcome: RunOutcome) -> None:
        RUNS.inc(look=claimed.job.kind, fate=outcome)

    # -- the safety net -------------------------------------------------------------------------------------

    def _maintenance_loop(self) -> None:
        """Sweep now and then; beside other replicas, report that this one is alive and take over from dead ones."""
        beat = self._policy.sweep if self.store.is_sqlite else min(self._policy.beat, self._policy.sweep)
        swept = time.monotonic()
        while not self._stopping.wait(beat):
            try:
                taken_over = not self.store.is_sqlite and self._beat()
                if taken_over or time.monotonic() - swept >= self._policy.sweep:
                    swept = time.monotonic()
                    self._sweep()
            except Exception:  # noqa: BLE001 - the safety net must outlive any failure
                _LOG.exception("queue maintenance failed; retrying in %.0f s", beat)

    def _beat(self) -> bool:
        """Say that this replica is alive. Whether others are not, whose lanes are to be taken over."""
        dead = replicas.sign_on(self.store, self._replica, dead_after=self._policy.dead_after)
        for replica in dead:
            _LOG.warning("replica %s is gone; what it ran is taken over", replica)
        return bool(dead)

    def _sweep(self) -> None:
        """Wake every lane that has work and that nothing runs: what was lost between two lines comes back."""
        soon = now_ms() + int(self._policy.sweep * 1000)
        lanes_with_work = turns.open_lanes(self.store, beside_dbos=self._beside_dbos)
        # Read after the lanes: a replica that signed on since may have begun one.
        others = frozenset[str]() if self.store.is_sqlite else replicas.living(self.store) - {self._replica}
        for lane in lanes_with_work:
            turn = lane.turn
            if lane.replica is not None:
                if lane.replica in others or (lane.key, turn) in self._active:
                    continue
                # Its drain was interrupted, or the replica that ran it is gone.
                turns.end_turn(self.store, Drain(lane.key, turn, lane.replica, self._beside_dbos))
                turn += 1
            if lane.due <= soon:
                self._alarms.set((Wake(key=lane.key, turn=turn, due=lane.due),))
