"""The queue's tables: deliveries, jobs, lanes and replicas."""

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

_OPEN = sa.text("done_at IS NULL")

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
    sa.Index("looks_open", "key", "seq", sqlite_where=_OPEN, postgresql_where=_OPEN),
    sa.Index("looks_by_delivery", "delivery"),
    sa.Index("looks_by_run", "run"),
)

LANES = sa.Table(
    "lanes",
    TABLES,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("turn", sa.BigInteger, nullable=False),  # one drain per turn: "KEY#TURN" is its id in the engine
)

REPLICAS = sa.Table(
    "replicas",
    TABLES,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("seen_at", sa.BigInteger, nullable=False),  # by the database's clock
    info=PASSING,
)
