"""List, retry and cancel deliveries, for operators. A running service picks the changes up."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from bot.domain.errors import BotError
from bot.domain.values import Value
from bot.queue.ledger import DeliveryState, JobState
from bot.queue.tables import DELIVERIES, JOBS
from bot.storage.store import Store, now_ms

SHORTEST_GUID = 4  # characters of a guid that a person may type instead of all


class NoSuchDelivery(BotError):  # noqa: N818 - it says what happened
    """No delivery has this guid, or several begin with it."""


class JobRow(Value, frozen=True):
    """One job of a delivery."""

    body: str  # JSON
    state: str
    attempts: int
    error: str
    not_before: int  # milliseconds since 1970


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


def retry(store: Store, guid: str) -> int:
    """Put the delivery's failed and cancelled jobs back, as if they had never been tried; how many."""

    def write(connection: sa.Connection) -> int:
        again = connection.execute(
            sa.update(JOBS)
            .where(JOBS.c.delivery == guid, JOBS.c.state.in_([JobState.FAILED, JobState.CANCELLED]))
            .values(state=JobState.WAITING, run=None, attempts=0, error="", done_at=None, not_before=0)
        ).rowcount
        held = connection.execute(
            sa.update(JOBS)
            .where(JOBS.c.delivery == guid, JOBS.c.state == JobState.HELD)
            .values(state=JobState.WAITING, not_before=0)
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


def _row(row: sa.RowMapping, jobs: tuple[JobRow, ...] = ()) -> DeliveryRow:
    fields = {name: row[name] for name in DeliveryRow.__struct_fields__ if name != "jobs"}
    return DeliveryRow(**fields, jobs=jobs)


def _job(row: sa.RowMapping) -> JobRow:
    return JobRow(body=row["look"], **{name: row[name] for name in JobRow.__struct_fields__ if name != "body"})
