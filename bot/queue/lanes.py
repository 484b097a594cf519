"""Store deliveries and jobs, and claim and settle jobs: the queue's own tables, one transaction a function.

A lane holds the jobs of one key, and its turn counts up each time the lane falls idle (turns.py). Whoever changes a
lane locks its row first: an arrival is either seen by the drain that is ending or finds the next turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec
import sqlalchemy as sa

from bot.domain.names import DeliveryId
from bot.domain.values import Value
from bot.observability.log import hide_secrets
from bot.queue import turns
from bot.queue.turns import Drain
from bot.storage.store import Store, now_ms

# As text, because every delivery goes through these. Both databases take them; a job is open while done_at is NULL.
_STORE_DELIVERY = sa.text(
    "INSERT INTO deliveries (guid, name, action, event, state, reason, received_at, done_at) "
    "VALUES (:guid, :name, :action, :event, :state, :reason, :received_at, :done_at) "
    "ON CONFLICT (guid) DO NOTHING RETURNING seq"
)
_FIND_SAME_JOB = sa.text("SELECT 1 FROM looks WHERE key = :key AND look = :look AND made_at > :since LIMIT 1")
_STORE_JOB = sa.text(
    "INSERT INTO looks (delivery, key, look, state, attempts, error, made_at, not_before) "
    "VALUES (:delivery, :key, :look, 'waiting', 0, '', :now, :not_before)"
)
_READ_LANE = sa.text(
    "SELECT look, state, made_at, not_before FROM looks WHERE key = :key AND done_at IS NULL ORDER BY seq LIMIT 2000"
)
_CLAIM = sa.text(
    "UPDATE looks SET state = 'running', run = :run, attempts = attempts + 1, not_before = 0 "
    "WHERE key = :key AND look = :look AND done_at IS NULL RETURNING delivery, attempts"
)
_HOLD_NEWCOMERS = sa.text(
    "UPDATE looks SET state = 'held', not_before = :due "
    "WHERE key = :key AND look = :look AND done_at IS NULL AND state = 'waiting'"
)
# Two lanes that end the last two looks of one delivery have to see each other; in one order, lest they block.
_LOCK_DELIVERIES = sa.text(
    "SELECT guid FROM deliveries WHERE guid IN (SELECT delivery FROM looks WHERE run = :run) ORDER BY guid FOR UPDATE"
)
_END_JOBS = sa.text(
    "UPDATE looks SET state = :state, error = :error, done_at = :now WHERE run = :run AND state = 'running'"
)
_END_DELIVERIES = sa.text(
    "UPDATE deliveries SET done_at = :now, reason = COALESCE((SELECT error FROM looks "
    "WHERE delivery = guid AND looks.state = 'failed' ORDER BY looks.seq DESC LIMIT 1), ''), "
    "state = CASE WHEN EXISTS "
    "(SELECT 1 FROM looks WHERE delivery = guid AND looks.state = 'failed') THEN 'failed' ELSE 'done' END "
    "WHERE guid IN (SELECT delivery FROM looks WHERE run = :run) "
    "AND NOT EXISTS (SELECT 1 FROM looks WHERE delivery = guid AND looks.done_at IS NULL)"
)
_HOLD = sa.text(
    "UPDATE looks SET state = 'held', not_before = :until, error = :error, run = NULL, "
    "attempts = CASE WHEN :forget = 1 THEN 0 ELSE attempts END WHERE run = :run AND state = 'running'"
)


class DeliveryState(StrEnum):
    """Where a delivery is."""

    RECEIVED = "received"
    DONE = "done"
    IGNORED = "ignored"
    FAILED = "failed"
    CANCELLED = "cancelled"  # by an operator


class JobState(StrEnum):
    """Where a job is."""

    WAITING = "waiting"
    HELD = "held"  # told to wait until not_before: by GitHub, or after an error
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"  # by an operator


class QueuedJob(Value, frozen=True):
    """A job as the queue knows it: jobs with the same `key` never overlap; what `body` means is the handler's."""

    key: str
    kind: str
    body: str  # JSON


class Delivery(Value, frozen=True):
    """A webhook delivery that was accepted, and the jobs that it calls for.

    `ignored` says why there is nothing to do; "" with no jobs means that all is done already.
    """

    guid: DeliveryId
    name: str  # X-GitHub-Event
    event: str  # JSON
    action: str = ""
    ignored: str = ""
    jobs: tuple[QueuedJob, ...] = ()


class Wake(Value, frozen=True):
    """The lane `key` has work for its turn `turn`, due at `due` (milliseconds)."""

    key: str
    turn: int
    due: int


class Claimed(Value, frozen=True):
    """Equal jobs claimed by one drain, to be run once. `attempts` counts this one."""

    run: str
    job: QueuedJob
    deliveries: tuple[DeliveryId, ...]
    attempts: int


class _Open(Value, frozen=True):
    state: str
    made_at: int
    not_before: int


class Burst(Value, frozen=True):
    """How repeated jobs are gathered, in milliseconds.

    The first job runs at once. An equal one within `quiet` of the one before waits until none came for
    `quiet`, at most `longest`.
    """

    quiet: int = 1_000
    longest: int = 15_000


def store_delivery(store: Store, delivery: Delivery, burst: Burst) -> tuple[Wake, ...] | None:
    """Store a delivery with its jobs; the lanes to wake, or None when the delivery is known already."""
    now, state = now_ms(), DeliveryState.RECEIVED
    if not delivery.jobs:
        state = DeliveryState.IGNORED if delivery.ignored else DeliveryState.DONE
    row = {
        "guid": delivery.guid,
        "name": _text(delivery.name),
        "action": _text(delivery.action),
        "event": delivery.event,
        "state": state,
        "reason": _text(hide_secrets(delivery.ignored)),
        "received_at": now,
        "done_at": None if state is DeliveryState.RECEIVED else now,
    }

    def write(connection: sa.Connection) -> tuple[Wake, ...] | None:
        if connection.execute(_STORE_DELIVERY, row).first() is None:
            return None
        return _add(connection, delivery.guid, delivery.jobs, now, burst)

    return store.write(write)


def add_jobs(store: Store, jobs: Iterable[QueuedJob], burst: Burst) -> tuple[Wake, ...]:
    """Store jobs that no delivery called for (a schedule's, another job's); the lanes to wake."""
    several = tuple(jobs)
    return store.write(lambda connection: _add(connection, None, several, now_ms(), burst))


def _add(
    connection: sa.Connection, delivery: DeliveryId | None, jobs: Sequence[QueuedJob], now: int, burst: Burst
) -> tuple[Wake, ...]:
    wakes = []
    for key in sorted({job.key for job in jobs}):  # one order for all, or two deliveries could wait in a ring
        turn = turns.lock_lane(connection, key)
        due = []
        for job in dict.fromkeys(job for job in jobs if job.key == key):
            row = {"key": key, "look": job.body}
            same = connection.execute(_FIND_SAME_JOB, {**row, "since": now - burst.quiet}).first()
            due.append(now if same is None else now + burst.quiet)
            connection.execute(_STORE_JOB, {**row, "delivery": delivery, "now": now, "not_before": due[-1]})
        wakes.append(Wake(key=key, turn=turn, due=min(due)))
    return tuple(wakes)


def claim(store: Store, drain: Drain, run: str, burst: Burst) -> Claimed | Wake | None:
    """Take the next due job of the drain's lane, with all equal ones, under the name `run` (unique per claim).

    When nothing is due the lane's turn ends, in the same transaction: a Wake says when to come back, None that
    the lane is empty, that this turn is over already, or that another replica runs it.
    """
    return store.write(lambda connection: _claim(connection, drain, run, burst))


def _claim(connection: sa.Connection, drain: Drain, run: str, burst: Burst) -> Claimed | Wake | None:
    if not turns.begin(connection, drain):
        return None
    key = drain.key
    now = now_ms()
    groups: dict[str, list[_Open]] = {}
    for look, state, made_at, not_before in connection.execute(_READ_LANE, {"key": key}):
        groups.setdefault(look, []).append(_Open(state=state, made_at=made_at, not_before=not_before))
    dues = {look: _due(group, burst) for look, group in groups.items()}
    for look, due in dues.items():
        if due <= now:
            taken = connection.execute(_CLAIM, {"key": key, "look": look, "run": run}).all()
            if not taken:
                continue  # cancelled meanwhile, or ended by a drain that was taken for dead
            return Claimed(
                run=run,
                job=QueuedJob(key=key, kind=read_kind(look), body=look),
                deliveries=tuple(sorted({DeliveryId(delivery) for delivery, _ in taken if delivery})),
                attempts=max(attempts for _, attempts in taken),
            )
    for look, group in groups.items():
        if any(row.state == JobState.HELD for row in group):
            connection.execute(_HOLD_NEWCOMERS, {"key": key, "look": look, "due": dues[look]})
    turns.end(connection, drain)
    return Wake(key=key, turn=drain.turn + 1, due=min(dues.values())) if dues else None


def read_kind(body: str) -> str:
    """The tag that a job's JSON carries; "" when it has none."""
    found = msgspec.json.decode(body)
    return str(found.get("type", "")) if isinstance(found, dict) else ""


def _due(group: Sequence[_Open], burst: Burst) -> int:
    """When equal jobs are due: a run covers every one of them that was made before it starts."""
    if any(row.state == JobState.RUNNING for row in group):
        return 0  # left by a drain that died in it
    held = [row.not_before for row in group if row.state == JobState.HELD]
    if held:
        return max(held)  # whoever asked us to wait means the newcomers too
    if any(row.not_before <= row.made_at for row in group):
        return 0
    return min(max(row.not_before for row in group), min(row.made_at for row in group) + burst.longest)


def finish(store: Store, run: str, *, error: str = "") -> bool:
    """The jobs claimed as `run` are done, or failed with `error`; so are deliveries with none left.

    False when another drain has taken them over meanwhile: then stop working on this lane.
    """
    state = JobState.FAILED if error else JobState.DONE
    row = {"run": run, "state": state, "error": _text(error, 2000), "now": now_ms()}

    def write(connection: sa.Connection) -> bool:
        if not store.is_sqlite:
            connection.execute(_LOCK_DELIVERIES, row)
        if not connection.execute(_END_JOBS, row).rowcount:
            return False
        connection.execute(_END_DELIVERIES, row)
        return True

    return store.write(write)


def hold(store: Store, run: str, *, seconds: float, because: str, forget_attempts: bool) -> bool:
    """Put the jobs claimed as `run` back, to be run again after `seconds`. False when they were taken over."""
    row = {
        "run": run,
        "until": now_ms() + int(seconds * 1000),
        "error": _text(because, 2000),
        "forget": int(forget_attempts),
    }
    return store.write(lambda connection: connection.execute(_HOLD, row).rowcount > 0)


def _text(text: str, longest: int = 200) -> str:
    """Text as PostgreSQL takes it, which knows no NUL."""
    return text.replace("\0", "\\0")[:longest]
