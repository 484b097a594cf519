"""Forgetting what is finished, some rows at a time, so that nobody waits long for the writer's lock.

What GitHub may still list as delivered (three days) must be known, or it would be taken in again.
"""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from bot.storage.store import Store, now_ms

SHORTEST_DAYS = 7  # GitHub lists deliveries for three
PLAN_DAYS = 90  # pull requests link to plans for longer than anybody reads their delivery
_AT_ONCE = 500
_DAY = 86_400_000

_LOOKS = sa.text("DELETE FROM looks WHERE seq IN (SELECT seq FROM looks WHERE done_at < :before LIMIT :most)")
_DELIVERIES = sa.text(
    "DELETE FROM deliveries WHERE seq IN (SELECT seq FROM deliveries WHERE done_at < :before "
    "AND NOT EXISTS (SELECT 1 FROM looks WHERE delivery = guid) LIMIT :most)"
)
_PLANS = sa.text("DELETE FROM plans WHERE id IN (SELECT id FROM plans WHERE made_at < :before LIMIT :most)")


class Forgotten(NamedTuple):
    """Rows that are gone."""

    looks: int
    deliveries: int
    plans: int


def forget_finished(store: Store, *, days: int) -> Forgotten:
    """Forget deliveries and looks that ended over `days` days ago, and plans that are old."""
    before = now_ms() - max(days, SHORTEST_DAYS) * _DAY
    return Forgotten(
        looks=_forget(store, _LOOKS, before),
        deliveries=_forget(store, _DELIVERIES, before),
        plans=_forget(store, _PLANS, now_ms() - max(days, PLAN_DAYS) * _DAY),
    )


def _forget(store: Store, delete: sa.TextClause, before: int) -> int:
    row, total = {"before": before, "most": _AT_ONCE}, 0
    while True:
        gone = store.write(lambda connection: connection.execute(delete, row).rowcount)
        total += gone
        if gone < _AT_ONCE:
            return total
