"""The queue's tables: deliveries, jobs, lanes with their drains, replicas and schedules."""

from __future__ import annotations

import sqlalchemy as sa

from bot.storage.store import BIG, PASSING

TABLES = sa.MetaData()

DELIVERIES = sa.Table(
    "deliveries",
    TABLES,
    sa.Column("seq", BIG, primary_key=True, autoincrement=True),
    sa.Column("guid", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),  # X-GitHub-Event
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("event", sa.Text, nullable=False),  # our Event or Ignored as JSON; never the raw payload
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("received_at", sa.BigInteger, nullable=False),
    sa.Column("done_at", sa.BigInteger),
    sa.Index("deliveries_by_state", "state", "seq"),
)

JOBS = sa.Table(
    "looks",
    TABLES,
    sa.Column("seq", BIG, primary_key=True, autoincrement=True),
    sa.Column("delivery", sa.Text),  # its guid; NULL for a schedule tick or a command
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("look", sa.Text, nullable=False),  # JSON
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("run", sa.Text),  # the claim it belongs to; whoever lost the claim may not settle it
    sa.Column("attempts", sa.Integer, nullable=False),  # started so far, and not ended in good order
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("made_at", sa.BigInteger, nullable=False),
    sa.Column("not_before", sa.BigInteger, nullable=False),
    sa.Column("done_at", sa.BigInteger),  # NULL while it is open
    sa.Index("looks_by_key", "key", "made_at"),
    sa.Index("looks_by_delivery", "delivery"),
    sa.Index("looks_by_run", "run"),
)

_INDEX_OPEN = sa.text("CREATE INDEX looks_open ON looks (key, seq) WHERE done_at IS NULL")


@sa.event.listens_for(JOBS, "after_create")
def _make_index(_table: sa.Table, connection: sa.Connection, **_options: object) -> None:
    """Both databases take these words; an Index with a condition has SQLAlchemy load the dialects of both."""
    connection.execute(_INDEX_OPEN)


LANES = sa.Table(
    "lanes",
    TABLES,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("turn", sa.BigInteger, nullable=False),  # one drain runs it
)

DRAINS = sa.Table(
    "drains",
    TABLES,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("turn", sa.BigInteger, nullable=False),
    sa.Column("replica", sa.Text, nullable=False),
    info=PASSING,
)

REPLICAS = sa.Table(
    "replicas",
    TABLES,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("seen_at", sa.BigInteger, nullable=False),  # by the database's clock
    info=PASSING,
)

SCHEDULES = sa.Table(
    "schedules",
    TABLES,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("time", sa.BigInteger, nullable=False),  # the number of the last time that it was run for
    info=PASSING,
)
