"""Open the service's database with the tables of every package that stores something."""

from __future__ import annotations

from bot.features.audit import store as audit
from bot.features.bump import store as planner
from bot.features.commands import store as commands
from bot.features.fleets import store as fleets
from bot.features.holds import store as holds
from bot.features.outbox import pulls
from bot.features.outbox import store as outbox
from bot.features.rollout import history
from bot.features.rollout import store as rollout
from bot.features.visitors import store as visitors
from bot.queue import tables as queue
from bot.storage.store import Store

_PARTS = (queue, fleets, planner, holds, audit, commands, rollout, history, outbox, pulls, visitors)
SCHEMA = tuple(part.TABLES for part in _PARTS)


def open_store(url: str, *, make: bool = True) -> Store:
    """Open `url` (SQLAlchemy's form), create or migrate its tables. Raises StoreError.

    Without `make` a database that does not exist yet is not made: NoDataError.
    """
    return Store(url, SCHEMA, make=make)
