"""Tables of what people said and own: it stands nowhere on GitHub in a form that could be read again.

The audit trail is append-only by the database itself: a trigger refuses every change and every removal.
"""

from __future__ import annotations

import sqlalchemy as sa

from bot.storage.schema import BIG, METADATA

NODE_LOCKS = sa.Table(
    "node_locks",
    METADATA,
    sa.Column("fleet", sa.Text, primary_key=True),  # lower case
    sa.Column("node", sa.Text, primary_key=True),
    sa.Column("pull", sa.BigInteger, nullable=False),
    sa.Column("lock", sa.Text, nullable=False),  # bot.features.holds.facts.Lock as JSON
    sa.Column("expires_at", sa.BigInteger, nullable=False),  # seconds since the epoch
)

HOLDS = sa.Table(
    "holds",
    METADATA,
    sa.Column("fleet", sa.Text, primary_key=True),
    sa.Column("base", sa.Text, primary_key=True),
    sa.Column("submodule", sa.Text, primary_key=True),
    sa.Column("pin", sa.Text, primary_key=True),  # "" for a hold of whatever comes
    sa.Column("hold", sa.Text, nullable=False),  # bot.features.holds.facts.Hold as JSON
)

ASKED = sa.Table(
    "asked",
    METADATA,
    sa.Column("source", sa.Text, primary_key=True),  # "comment:ID"
    sa.Column("fleet", sa.Text, nullable=False),
    sa.Column("pull", sa.BigInteger, nullable=False),
    sa.Column("open", sa.Boolean, nullable=False),  # its orders have not all ended
    sa.Column("asked", sa.Text, nullable=False),  # bot.features.commands.facts.record.Asked as JSON
    sa.Index("asked_open", "fleet", "open"),
)

POSTED_PLANS = sa.Table(
    "posted_plans",
    METADATA,
    sa.Column("repo", sa.Text, primary_key=True),
    sa.Column("pull", sa.BigInteger, primary_key=True),
    sa.Column("plan", sa.Text, nullable=False),
)

AUDIT = sa.Table(
    "audit",
    METADATA,
    sa.Column("seq", BIG, primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),  # what makes a record one: the same twice is once
    sa.Column("fleet", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),  # milliseconds since 1970
    sa.Column("record", sa.Text, nullable=False),  # bot.audit.Record as JSON
    sa.Index("audit_by_fleet", "fleet", "seq"),
)

TABLES = (NODE_LOCKS, HOLDS, ASKED, POSTED_PLANS, AUDIT)

_REFUSE = (
    "CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$"
)
_ON_CHANGE = (
    "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
)
_SEAL = {
    "sqlite": tuple(
        f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ),
    "postgresql": (_REFUSE, _ON_CHANGE),
}


def _seal(_table: sa.Table, connection: sa.Connection, **_more: object) -> None:
    for statement in _SEAL.get(connection.dialect.name, ()):
        connection.exec_driver_sql(statement)


sa.event.listen(AUDIT, "after_create", _seal)
