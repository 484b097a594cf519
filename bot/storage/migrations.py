"""Migrate the database's schema: create a new one as the tables stand, bring an old one there step by step.

A table that is not there yet is created at the start, so that a new one needs no step. Each step is applied once,
in order, in the transaction that opens the database. While replicas are upgraded one after the other, the old version
goes on with the new schema: a step only adds, and what it makes superfluous is removed by a later release.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sqlalchemy as sa

from bot.domain.errors import BotError, ExitCode

Step = Callable[[sa.Connection], None]

STEPS: tuple[Step, ...] = ()
"""From schema 1, the first release's, to the next. A step is never changed once it was released."""

_READ = sa.text("SELECT value FROM meta WHERE name = 'schema'")
_WRITE = sa.text(
    "INSERT INTO meta (name, value) VALUES ('schema', :value) ON CONFLICT (name) DO UPDATE SET value = :value"
)
_ONE_AT_A_TIME = 4126205100  # an advisory lock of PostgreSQL's, of this number


class StoreError(BotError):
    """The database cannot be used as it is."""

    exit_code = ExitCode.UNAVAILABLE


def migrate(
    connection: sa.Connection, tables: Sequence[sa.Table], meta: sa.Table, steps: Sequence[Step] = STEPS
) -> tuple[int, int]:
    """Bring the database to the schema of `tables`; returns its number before (0: new) and now. Raises StoreError."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_ONE_AT_A_TIME})"))  # replicas start together
    meta.create(connection, checkfirst=True)
    before, now = int(connection.execute(_READ).scalar() or 0), len(steps) + 1
    if before > now:
        raise StoreError(
            f"the database is of a newer aios-bot (schema {before}, this one knows {now}): "
            "run that version, or restore a backup made before the upgrade"
        )
    if before:
        for step in steps[before - 1 :]:
            step(connection)
    held = frozenset(sa.inspect(connection).get_table_names())
    for table in tables:
        if table.name not in held:
            table.create(connection)
    if before != now:
        connection.execute(_WRITE, {"value": str(now)})
    return before, now
