"""The durable queue: store deliveries and jobs, and run a handler for each job.

What is due, claimed and done stands in our own tables (lanes.py); the engine (engine.py) runs one drain per turn
of a lane and runs it again after a crash. Why drains are started directly, and why a drain has no steps of the
engine's: docs/decisions/durable-queue.md.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.errors import BotError, RetryLater
from bot.observability.log import hide_secrets, log_context
from bot.queue import admin, lanes, replicas
from bot.queue.alarms import Alarms
from bot.queue.engine import Calls, Engine, Schedule
from bot.queue.lanes import Burst, Claimed, Delivery, QueuedJob, Wake
from bot.queue.metrics import RUNS, RunOutcome
from bot.storage.store import Store, now_ms

_LOG = logging.getLogger("bot.inbox")
_ENGINE_WAITS_MS = 5_000  # longer waits are the engine's, shorter ones an alarm's


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
    """The queue of one process. There is one at a time: the engine is one per process."""

    def __init__(self, store: Store, *, workers: int = 8, policy: RetryPolicy | None = None) -> None:
        """`workers` lanes run side by side. The store stays the caller's to close, after `stop`."""
        self.store = store
        self._workers = workers
        self._policy = policy or RetryPolicy()
        self._handler: Callable[[QueuedJob], None] | None = None
        self._alarms = Alarms(self._start_drain)
        self._active: set[tuple[str, int]] = set()
        self._active_changed = threading.Condition()
        self._stopping = threading.Event()
        self._sweeper: threading.Thread | None = None
        self._engine: Engine | None = None

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
        calls = Calls(drain=self._drain, wake=self._wake, schedules=schedules or {})
        if self.store.is_sqlite:
            # Nothing runs yet, so every turn that has not ended was cut off; the engine may still repeat it.
            lanes.end_all_turns(self.store)
        # Signed on before the engine runs anything: what an unknown replica runs, the others take for lost.
        name, dead = "local", tuple[str, ...]()
        if not self.store.is_sqlite:
            name = uuid.uuid4().hex
            dead = replicas.sign_on(self.store, name, dead_after=self._policy.dead_after)
        self._engine = Engine(self.store, calls, name=name, threads=self._workers)
        self._take_over(self._engine, dead)
        self._sweep(self._engine)
        self._alarms.start()
        self._sweeper = threading.Thread(target=self._maintenance_loop, args=(self._engine,), daemon=True)
        self._sweeper.start()

    def begin_stop(self) -> None:
        """Start no further job. Those in flight go on, deliveries are still stored; does not wait."""
        self._stopping.set()
        self._alarms.stop()

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
        if self._sweeper is not None:
            self._sweeper.join(max(0.1, deadline - time.monotonic()))
        if self._engine is not None:
            if not self.store.is_sqlite:
                replicas.sign_off(self.store, self._engine.name)  # what we leave is taken over at once
            self._engine.close()
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
        """Run the lane's turn unless it runs already. Never raises: the sweep comes by again."""
        lane = (wake.key, wake.turn)
        with self._active_changed:
            if lane in self._active or self._stopping.is_set():
                return  # the drain looks for work once more before its turn ends
        try:
            if self._engine is not None:
                self._engine.start_drain(wake.key, wake.turn)
        except Exception:  # noqa: BLE001 - the sweep comes by again
            _LOG.exception("could not start the work of %s", wake.key)

    def _drain(self, key: str, turn: int) -> None:
        """Run the due jobs of a lane until there are none. Called by the engine."""
        with self._active_changed:
            self._active.add((key, turn))
        try:
            left = self._run_lane(key, turn)
            if isinstance(left, Wake):
                self._come_back(left)
        except Exception:  # noqa: BLE001 - the database failed us
            _LOG.exception("the work of %s was interrupted", key)
            lanes.end_turn(self.store, key, turn)
            self._alarms.set((Wake(key=key, turn=turn + 1, due=now_ms() + 1000),))
        finally:
            with self._active_changed:
                self._active.discard((key, turn))
                self._active_changed.notify_all()

    def _run_lane(self, key: str, turn: int) -> Wake | None:
        while True:
            if self._stopping.is_set():
                lanes.end_turn(self.store, key, turn)
                return Wake(key=key, turn=turn + 1, due=now_ms())
            found = lanes.claim(self.store, key, turn, uuid.uuid4().hex, self._policy.burst)
            if not isinstance(found, Claimed):
                return found
            with log_context(delivery=" ".join(found.deliveries[:3]), look=key):
                if not self._run_job(found):
                    return None

    def _run_job(self, claimed: Claimed) -> bool:
        """Run one claimed job and settle it. False when another replica took it over."""
        assert self._handler is not None  # noqa: S101 - the engine is launched by start() only
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

    def _come_back(self, wake: Wake) -> None:
        if self._engine is not None and (self._stopping.is_set() or wake.due > now_ms() + _ENGINE_WAITS_MS):
            self._engine.wake_later(wake.key, due=wake.due)
        else:
            self._alarms.set((wake,))

    def _wake(self, key: str) -> None:
        """Start the lane's current turn. Called by the engine when a long wait is over."""
        self._alarms.set(lane for lane in lanes.open_lanes(self.store) if lane.key == key)

    # -- the safety net -------------------------------------------------------------------------------------

    def _maintenance_loop(self, engine: Engine) -> None:
        """Sweep now and then; beside other replicas, report that this one is alive and take over from dead ones."""
        beat = self._policy.sweep if self.store.is_sqlite else min(self._policy.beat, self._policy.sweep)
        swept = time.monotonic()
        while not self._stopping.wait(beat):
            try:
                if not self.store.is_sqlite:
                    self._beat(engine)
                if time.monotonic() - swept >= self._policy.sweep:
                    swept = time.monotonic()
                    self._sweep(engine)
                    engine.purge()
            except Exception:  # noqa: BLE001 - the safety net must outlive any failure
                _LOG.exception("queue maintenance failed; retrying in %.0f s", beat)

    def _beat(self, engine: Engine) -> None:
        self._take_over(engine, replicas.sign_on(self.store, engine.name, dead_after=self._policy.dead_after))

    @staticmethod
    def _take_over(engine: Engine, dead: Iterable[str]) -> None:
        for replica in dead:
            _LOG.warning("replica %s is gone; %d of its runs are taken over", replica, engine.take_over(replica))

    def _sweep(self, engine: Engine) -> None:
        """Wake every lane that has work and that nothing runs: what was lost between two lines comes back."""
        soon = now_ms() + int(self._policy.sweep * 1000)
        for lane in lanes.open_lanes(self.store):
            state = engine.find_drain(lane.key, lane.turn)
            turn = lane.turn
            if state is not None:
                if state.unfinished and self._goes_on(engine, state.executor):
                    continue
                # It ended without ending its turn, or the replica that ran it is gone.
                lanes.end_turn(self.store, lane.key, turn)
                turn += 1
            if lane.due <= soon:
                self._alarms.set((Wake(key=lane.key, turn=turn, due=lane.due),))

    def _goes_on(self, engine: Engine, executor: str | None) -> bool:
        """Whether a drain goes on that `executor` runs; None is the engine, which gives it to a replica.

        Read after the drain's state: a replica that signed on since may have begun it.
        """
        return executor in (None, engine.name) or executor in replicas.living(self.store)
