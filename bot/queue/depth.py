"""Look at what is in the queue: for metrics, to wait until it is empty, and to find what was missed."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from bot.queue.ledger import JobState
from bot.queue.tables import DELIVERIES
from bot.storage.store import Store, now_ms

_COUNT_OPEN = sa.text("SELECT state, count(*) FROM looks WHERE done_at IS NULL GROUP BY state")
_OLDEST_DUE = sa.text("SELECT min(made_at) FROM looks WHERE done_at IS NULL AND not_before <= :now")
_COUNT_DELIVERIES = sa.text("SELECT count(*) FROM deliveries WHERE state = :state")


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
