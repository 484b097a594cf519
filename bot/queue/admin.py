"""Look into the queue's tables and change them from outside of a job.

List, retry and cancel deliveries, for operators: a running service picks the changes up. Count what is open, for
metrics, and find what was missed. Delete what ended long ago, some rows at a time, so that no writer waits long;
what GitHub may still list as delivered (three days) must stay known, or it would be stored again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from bot.domain.errors import BotError
from bot.domain.values import Value
from bot.queue.lanes import DeliveryState, JobState, read_kind
from bot.queue.tables import DELIVERIES, JOBS
from bot.storage.store import DAY_MS, Store, now_ms

SHORTEST_GUID = 4  # characters of a guid that a person may type instead of all
SHORTEST_DAYS = 7  # GitHub lists deliveries for three
_DELETE_JOBS = sa.text("DELETE FROM looks WHERE seq IN (SELECT seq FROM looks WHERE done_at < :before LIMIT :most)")
_DELETE_DELIVERIES = sa.text(
    "DELETE FROM deliveries WHERE seq IN (SELECT seq FROM deliveries WHERE done_at < :before "
    "AND NOT EXISTS (SELECT 1 FROM looks WHERE delivery = guid) LIMIT :most)"
)
_COUNT_OPEN = sa.text("SELECT state, count(*) FROM looks WHERE done_at IS NULL GROUP BY state")
_OLDEST_DUE = sa.text("SELECT min(made_at) FROM looks WHERE done_at IS NULL AND not_before <= :now")
_COUNT_DELIVERIES = sa.text("SELECT count(*) FROM deliveries WHERE state = :state")


class NoSuchDelivery(BotError):  # noqa: N818 - it says what happened
    """No delivery has this guid, or several begin with it."""


class JobRow(Value, frozen=True):
    """One job of a delivery."""

    body: str  # JSON
    state: str
    attempts: int
    error: str
    not_before: int  # milliseconds since 1970

    @property
    def kind(self) -> str:
        """What kind of job it is; "" when its body does not say."""
        return read_kind(self.body)


class DeliveryRow(Value, frozen=True):
    """One delivery, as it stands in the table. Times in milliseconds since 1970."""

    guid: str
    name: str
    action: str
    state: str
    reason: str
    received_at: int
    done_at: int | None
    event: str  # JSON
    jobs: tuple[JobRow, ...] = ()


def list_deliveries(store: Store, *, states: Sequence[str] = (), most: int = 50) -> tuple[DeliveryRow, ...]:
    """The newest deliveries, newest first, without their jobs."""
    wanted = sa.select(DELIVERIES).order_by(DELIVERIES.c.seq.desc()).limit(most)
    if states:
        wanted = wanted.where(DELIVERIES.c.state.in_(states))
    with store.reading() as connection:
        return tuple(_row(row) for row in connection.execute(wanted).mappings())


def find_delivery(store: Store, guid: str) -> DeliveryRow:
    """The delivery whose guid is, or begins with, `guid`; with its jobs. Raises NoSuchDelivery."""
    if len(guid) < SHORTEST_GUID:
        raise NoSuchDelivery(f"give at least {SHORTEST_GUID} characters of the guid; `inbox list` shows them")
    begins = DELIVERIES.c.guid.startswith(guid.lower(), autoescape=True)
    with store.reading() as connection:
        found = connection.execute(sa.select(DELIVERIES).where(begins).limit(2)).mappings().all()
        if len(found) != 1:
            how_many = "several deliveries begin with" if found else "there is no delivery"
            raise NoSuchDelivery(f"{how_many} {guid!r}; `inbox list` shows the newest")
        jobs = connection.execute(
            sa.select(JOBS).where(JOBS.c.delivery == found[0]["guid"]).order_by(JOBS.c.seq)
        ).mappings()
        return _row(found[0], tuple(_job(row) for row in jobs))


class LaneRow(Value, frozen=True):
    """One delivery with its jobs in one lane. Times in milliseconds since 1970."""

    guid: str
    name: str
    action: str
    received_at: int
    jobs: tuple[JobRow, ...]

    @property
    def can_be_retried(self) -> bool:
        """Whether `retry` would do anything."""
        again = (JobState.FAILED, JobState.CANCELLED, JobState.HELD)
        return any(job.state in again for job in self.jobs)


def list_lane(store: Store, key: str, *, before: int, most: int) -> tuple[tuple[LaneRow, ...], int | None]:
    """The newest deliveries that led to jobs in the lane `key`, of at most `most` jobs before number `before`.

    Also the number from which the list goes on, or None.
    """
    query = (
        sa.select(JOBS, DELIVERIES.c.name, DELIVERIES.c.action, DELIVERIES.c.received_at)
        .select_from(JOBS.join(DELIVERIES, DELIVERIES.c.guid == JOBS.c.delivery))
        .where(JOBS.c.key == key, JOBS.c.seq < before)
        .order_by(JOBS.c.seq.desc())
        .limit(most + 1)
    )
    with store.reading() as connection:
        rows = connection.execute(query).mappings().all()
    jobs: dict[str, list[JobRow]] = {}
    about = {row["delivery"]: row for row in rows[:most]}
    for row in rows[:most]:
        jobs.setdefault(row["delivery"], []).append(_job(row))
    found = tuple(
        LaneRow(
            guid=guid,
            name=about[guid]["name"],
            action=about[guid]["action"],
            received_at=about[guid]["received_at"],
            jobs=tuple(reversed(own)),
        )
        for guid, own in jobs.items()
    )
    return found, rows[most - 1]["seq"] if len(rows) > most else None


def retry(store: Store, guid: str, *, key: str = "") -> int:
    """Put the delivery's failed and cancelled jobs back, as if they had never been tried; how many.

    With `key` only those of that lane.
    """
    own = [JOBS.c.delivery == guid, *([JOBS.c.key == key] if key else [])]

    def write(connection: sa.Connection) -> int:
        again = connection.execute(
            sa.update(JOBS)
            .where(*own, JOBS.c.state.in_([JobState.FAILED, JobState.CANCELLED]))
            .values(state=JobState.WAITING, run=None, attempts=0, error="", done_at=None, not_before=0)
        ).rowcount
        held = connection.execute(
            sa.update(JOBS).where(*own, JOBS.c.state == JobState.HELD).values(state=JobState.WAITING, not_before=0)
        ).rowcount
        if again:
            connection.execute(
                sa.update(DELIVERIES)
                .where(DELIVERIES.c.guid == guid)
                .values(state=DeliveryState.RECEIVED, reason="", done_at=None)
            )
        return again + held

    return store.write(write)


def cancel(store: Store, guid: str) -> tuple[int, int]:
    """Cancel the delivery's jobs that wait; how many, and how many run and go on."""

    def write(connection: sa.Connection) -> tuple[int, int]:
        gone = connection.execute(
            sa.update(JOBS)
            .where(JOBS.c.delivery == guid, JOBS.c.state.in_([JobState.WAITING, JobState.HELD]))
            .values(state=JobState.CANCELLED, error="cancelled by an operator", done_at=now_ms())
        ).rowcount
        open_ones = sa.select(sa.func.count()).where(JOBS.c.delivery == guid, JOBS.c.done_at.is_(None))
        running = int(connection.execute(open_ones).scalar_one())
        if gone and not running:
            connection.execute(
                sa.update(DELIVERIES)
                .where(DELIVERIES.c.guid == guid)
                .values(state=DeliveryState.CANCELLED, reason="cancelled by an operator", done_at=now_ms())
            )
        return gone, running

    return store.write(write)


def count_open(store: Store) -> dict[str, int]:
    """How many jobs are waiting, held and running."""
    with store.reading() as connection:
        found = {state: int(count) for state, count in connection.execute(_COUNT_OPEN)}
    return {state: found.get(state, 0) for state in (JobState.WAITING, JobState.HELD, JobState.RUNNING)}


def oldest_due(store: Store) -> int | None:
    """When the oldest job was made that is due and not done, in milliseconds."""
    with store.reading() as connection:
        made = connection.execute(_OLDEST_DUE, {"now": now_ms()}).scalar()
    return None if made is None else int(made)


def count_deliveries(store: Store, states: Iterable[str]) -> dict[str, int]:
    """How many deliveries are in each of `states`."""
    with store.reading() as connection:
        return {state: int(connection.execute(_COUNT_DELIVERIES, {"state": state}).scalar_one()) for state in states}


def known_guids(store: Store, guids: Iterable[str]) -> frozenset[str]:
    """Those of `guids` that were taken in, whatever became of them."""
    wanted = list(guids)
    found: set[str] = set()
    with store.reading() as connection:
        for start in range(0, len(wanted), 500):
            some = sa.select(DELIVERIES.c.guid).where(DELIVERIES.c.guid.in_(wanted[start : start + 500]))
            found.update(connection.execute(some).scalars())
    return frozenset(found)


class Deleted(NamedTuple):
    """How many rows are gone."""

    jobs: int
    deliveries: int


def delete_finished(store: Store, *, days: int) -> Deleted:
    """Delete deliveries and jobs that ended over `days` days ago."""
    before = now_ms() - max(days, SHORTEST_DAYS) * DAY_MS
    return Deleted(
        jobs=store.delete_rows(_DELETE_JOBS, before), deliveries=store.delete_rows(_DELETE_DELIVERIES, before)
    )


def _row(row: sa.RowMapping, jobs: tuple[JobRow, ...] = ()) -> DeliveryRow:
    fields = {name: row[name] for name in DeliveryRow.__struct_fields__ if name != "jobs"}
    return DeliveryRow(**fields, jobs=jobs)


def _job(row: sa.RowMapping) -> JobRow:
    return JobRow(body=row["look"], **{name: row[name] for name in JobRow.__struct_fields__ if name != "body"})
