"""Delete jobs and deliveries that ended long ago, some rows at a time, so that no writer waits long.

What GitHub may still list as delivered (three days) must stay known, or it would be stored again.
"""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from bot.storage.store import DAY_MS, Store, now_ms

SHORTEST_DAYS = 7  # GitHub lists deliveries for three

_JOBS = sa.text("DELETE FROM looks WHERE seq IN (SELECT seq FROM looks WHERE done_at < :before LIMIT :most)")
_DELIVERIES = sa.text(
    "DELETE FROM deliveries WHERE seq IN (SELECT seq FROM deliveries WHERE done_at < :before "
    "AND NOT EXISTS (SELECT 1 FROM looks WHERE delivery = guid) LIMIT :most)"
)


class Deleted(NamedTuple):
    """How many rows are gone."""

    jobs: int
    deliveries: int


def delete_finished(store: Store, *, days: int) -> Deleted:
    """Delete deliveries and jobs that ended over `days` days ago."""
    before = now_ms() - max(days, SHORTEST_DAYS) * DAY_MS
    return Deleted(jobs=store.delete_rows(_JOBS, before), deliveries=store.delete_rows(_DELIVERIES, before))
