"""Run drains durably by DBOS; the only module that imports it.

It runs a drain once per turn of a lane (the id is "KEY#TURN"), again when a crash interrupted it, waits durably,
and runs schedules once over all replicas. It stores no look and no payload: only keys, turns and names.
What was measured, and which of its options bite: docs/decisions/durable-queue.md.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, Serializer, SetEnqueueOptions, SetWorkflowID

from bot.storage.store import Store, make_engine

_VERSION = "1"  # raised only when a new version must not finish what an old one started
_WAKE_QUEUE = "wake"
_UNFINISHED = ("PENDING", "ENQUEUED", "DELAYED")
_KEEP_FINISHED_SECONDS = 3600
_PURGED_AT_ONCE = 1_000


@dataclass(frozen=True)
class Schedule:
    """Run `task` by `cron` (five fields, UTC), once over all replicas."""

    cron: str
    task: Callable[[], None]


@dataclass(frozen=True)
class Calls:
    """What the engine calls back: from its own threads, possibly again after a crash."""

    drain: Callable[[str, int], None]
    wake: Callable[[str], None]
    schedules: Mapping[str, Schedule]


@dataclass(frozen=True)
class DrainState:
    """`executor` is the replica that runs it, None when nobody does just now."""

    unfinished: bool
    executor: str | None


class Engine:
    """The running engine. One in a process: DBOS is one per process. `name` is the replica's, in `DrainState`."""

    def __init__(self, store: Store, calls: Calls, *, name: str, threads: int) -> None:
        self.name = name
        self._own: sa.Engine | None = None
        config: DBOSConfig = {
            "name": "aios-bot",
            "application_version": _VERSION,
            "executor_id": self.name,
            "serializer": _JsonSerializer(),
            "log_level": "ERROR",
            "max_executor_threads": threads,
            "system_database_url": store.url,
        }
        if store.is_sqlite:
            # A file of its own: the engine's commits would delay those of the webhook.
            self._own = make_engine(_beside(store.url))
            config["system_database_engine"] = self._own
            config["system_database_url"] = self._own.url.render_as_string()
        _calls[:] = [calls]
        DBOS(config=config)
        log = logging.getLogger("dbos")
        log.handlers.clear()  # it would print by itself, past our redaction
        log.propagate = True
        DBOS.launch()
        DBOS.register_queue(_WAKE_QUEUE, polling_interval_sec=2.0, on_conflict="always_update")
        DBOS.apply_schedules(
            [
                {"schedule_name": name, "workflow_fn": _tick, "schedule": entry.cron, "context": name}
                for name, entry in calls.schedules.items()
            ]
        )
        for known in DBOS.list_schedules():
            if known["schedule_name"] not in calls.schedules:
                DBOS.delete_schedule(known["schedule_name"])

    def close(self) -> None:
        """Stop the engine's threads; a drain in flight is not waited for."""
        DBOS.destroy(workflow_completion_timeout_sec=0)
        _calls.clear()
        if self._own is not None:
            self._own.dispose()

    def start_drain(self, key: str, turn: int) -> None:
        """Run this turn's drain now, in one of the engine's threads. A second call changes nothing."""
        with SetWorkflowID(f"{key}#{turn}"):
            DBOS.start_workflow(_drain, key, turn)

    def wake_later(self, key: str, *, due: int) -> None:
        """Call `wake` at `due` (milliseconds), at most three seconds late, in whichever process is alive."""
        seconds = max(0.0, due / 1000 - time.time())
        with SetWorkflowID(f"wake:{key}:{due}"), SetEnqueueOptions(delay_seconds=seconds):
            DBOS.enqueue_workflow(_WAKE_QUEUE, _wake, key)

    def find_drain(self, key: str, turn: int) -> DrainState | None:
        """How this turn's drain stands; None when it was never started."""
        status = DBOS.get_workflow_status(f"{key}#{turn}")
        if status is None:
            return None
        running = status.status == "PENDING"
        return DrainState(status.status in _UNFINISHED, status.executor_id if running else None)

    def take_over(self, dead: str) -> int:
        """Have everything that the dead replica `dead` was running run again by the living; how many."""
        left = DBOS.list_workflows(status="PENDING", executor_id=dead, load_input=False, load_output=False)
        if left:
            DBOS.resume_workflows([entry.workflow_id for entry in left], queue_name=_WAKE_QUEUE)
        return len(left)

    def purge(self) -> int:
        """Forget runs that ended over an hour ago, some at a time; how many."""
        before = datetime.fromtimestamp(time.time() - _KEEP_FINISHED_SECONDS, UTC).isoformat()
        old = DBOS.list_workflows(
            status=["SUCCESS", "ERROR", "CANCELLED"],
            completed_before=before,
            limit=_PURGED_AT_ONCE,
            load_input=False,
            load_output=False,
        )
        if old:
            DBOS.delete_workflows([entry.workflow_id for entry in old])
        return len(old)


def _beside(url: str) -> str:
    """The engine's SQLite file: beside ours, `NAME-engine.sqlite3`."""
    parsed = sa.make_url(url)
    name = str(parsed.database).removesuffix(".sqlite3")
    return parsed.set(database=f"{name}-engine.sqlite3").render_as_string()


class _JsonSerializer(Serializer):
    """Instead of the engine's default, pickle, which would run code from the database."""

    def serialize(self, data: object) -> str:
        return json.dumps(data, default=str)

    def deserialize(self, serialized_data: str) -> object:
        return json.loads(serialized_data)

    def name(self) -> str:
        return "json"


# The engine calls plain functions by their registered names, also for what an earlier process left behind.
_calls: list[Calls] = []


@DBOS.workflow(name="drain")
def _drain(key: str, turn: int) -> None:
    for calls in _calls:
        calls.drain(key, turn)


@DBOS.workflow(name="wake")
def _wake(key: str) -> None:
    for calls in _calls:
        calls.wake(key)


@DBOS.workflow(name="tick")
def _tick(_at: datetime, name: str) -> None:
    for calls in _calls:
        if name in calls.schedules:
            calls.schedules[name].task()
