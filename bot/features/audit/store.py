"""Append to the audit trail, and read it. The database itself refuses to change or remove a record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import sqlalchemy as sa

from bot.domain.names import PullNumber, RepoName
from bot.domain.values import Value
from bot.features.audit.facts import AuditRecord
from bot.storage.store import BIG, Store, now_ms

TABLES = sa.MetaData()
AUDIT = sa.Table(
    "audit",
    TABLES,
    sa.Column("seq", BIG, primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),  # identifies a record: the same twice is stored once
    sa.Column("fleet", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),  # milliseconds since 1970
    sa.Column("record", sa.Text, nullable=False),  # bot.features.audit.facts.AuditRecord as JSON
    sa.Index("audit_by_fleet", "fleet", "seq"),
)
NEWEST = 2**62  # above every record's number
LOOKED_AT = 2_000
_APPEND = sa.text(
    "INSERT INTO audit (id, fleet, at, record) VALUES (:id, :fleet, :at, :record) ON CONFLICT (id) DO NOTHING"
)


class AuditTrail:
    """The audit trail of all fleets, in the bot's database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def append(self, key: str, record: AuditRecord) -> None:
        """Append a record; the same `key` again appends nothing."""
        self._store.write(lambda connection: append_records(connection, key, (record,)))

    def read(self, fleet: RepoName | None = None) -> Iterator[AuditRecord]:
        """Every record, oldest first, of one fleet or of all."""
        query = sa.select(AUDIT.c.record).order_by(AUDIT.c.seq)
        if fleet is not None:
            query = query.where(AUDIT.c.fleet == fleet.lower())
        with self._store.reading() as connection:
            for text in connection.execution_options(yield_per=500).execute(query).scalars():
                yield msgspec.json.decode(text, type=AuditRecord)


class AuditLine(Value, frozen=True):
    """A record with its place in the trail."""

    seq: int
    record: AuditRecord


def find_records(
    store: Store, fleet: RepoName, text: str = "", *, before: int = NEWEST, most: int = 50
) -> tuple[tuple[AuditLine, ...], int | None]:
    """The newest records of a fleet before number `before` that have `text` in one of their values.

    Also the number from which the search goes on, or None: one search looks at `LOOKED_AT` records at most.
    """
    query = (
        sa.select(AUDIT.c.seq, AUDIT.c.record)
        .where(AUDIT.c.fleet == fleet.lower(), AUDIT.c.seq < before)
        .order_by(AUDIT.c.seq.desc())
        .limit(LOOKED_AT if text else most + 1)
    )
    with store.reading() as connection:
        rows = connection.execute(query).all()
    wanted, found = text.casefold(), []
    for number, (seq, encoded) in enumerate(rows):
        record = msgspec.json.decode(encoded, type=AuditRecord)
        if wanted and not any(wanted in str(value).casefold() for value in msgspec.structs.astuple(record)):
            continue
        found.append(AuditLine(seq=seq, record=record))
        if len(found) == most:
            return tuple(found), seq if number + 1 < len(rows) else None
    return tuple(found), rows[-1][0] if text and len(rows) == LOOKED_AT else None


def approval_key(fleet: RepoName, pull: PullNumber) -> str:
    """The key of the record that says who merged a pull request."""
    return f"approved:{fleet.lower()}:{pull}"


def find_approver(connection: sa.Connection, fleet: RepoName, pull: PullNumber) -> str:
    """The login of who merged a pull request; "" where no record says so (yet)."""
    query = sa.select(AUDIT.c.record).where(AUDIT.c.id == f"{approval_key(fleet, pull)}:0")
    text = connection.execute(query).scalar()
    return msgspec.json.decode(text, type=AuditRecord).actor if text else ""


def append_records(connection: sa.Connection, key: str, records: Sequence[AuditRecord]) -> None:
    """Append records inside the caller's transaction; the same `key` again appends nothing."""
    for index, record in enumerate(records):
        row = {
            "id": f"{key}:{index}",
            "fleet": record.fleet.lower(),
            "at": now_ms(),
            "record": msgspec.json.encode(record).decode(),
        }
        connection.execute(_APPEND, row)


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
