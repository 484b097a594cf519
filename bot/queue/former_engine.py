"""What is left of DBOS, by which the version before ran its drains: its file, and replicas that still use it.

DBOS keeps a row for each drain, by the id "KEY#TURN", and runs nothing whose row is there already. On SQLite that was
a file of its own, which is deleted. On PostgreSQL it is the schema `dbos`: replicas are upgraded one after the other,
so there a drain of this version has such a row too, and one that has it already is another replica's. To be removed
with a release that the version before is not upgraded to directly.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from bot.storage.store import Store, now_ms

_IS_THERE = sa.text("SELECT to_regclass('dbos.workflow_status') IS NOT NULL")
_BEGIN = sa.text(
    "INSERT INTO dbos.workflow_status (workflow_uuid, status, name, executor_id, created_at, updated_at, priority, "
    "application_version, inputs, serialization) "
    "VALUES (:id, 'PENDING', 'drain', :replica, :now, :now, 0, '1', :inputs, 'json') "
    "ON CONFLICT (workflow_uuid) DO UPDATE SET updated_at = :now "
    "WHERE dbos.workflow_status.executor_id = :replica RETURNING workflow_uuid"
)
_END = sa.text("DELETE FROM dbos.workflow_status WHERE workflow_uuid = :id")
_FIND = sa.text(
    "SELECT workflow_uuid, executor_id, status IN ('PENDING', 'ENQUEUED', 'DELAYED') AS unfinished "
    "FROM dbos.workflow_status WHERE workflow_uuid IN :ids"
).bindparams(sa.bindparam("ids", expanding=True))
ENDED = ""
"""In place of a replica's name: its drain has ended, and the lane's turn has not."""


def delete_file(store: Store) -> None:
    """Delete the engine's own SQLite file: nothing in it is needed. For the only process there is."""
    file = Path(store.engine.url.database or "")
    for ending in ("", "-wal", "-shm"):
        file.with_name(f"{file.stem}-engine.sqlite3{ending}").unlink(missing_ok=True)


def may_run(store: Store) -> bool:
    """Whether a replica of that version was ever started on this database."""
    if store.is_sqlite:
        return False
    with store.reading() as connection:
        return bool(connection.execute(_IS_THERE).scalar_one())


def begin(connection: sa.Connection, key: str, turn: int, replica: str) -> bool:
    """Note that `replica` runs this turn. False when one of the version before has begun it."""
    row = {"id": _id(key, turn), "replica": replica, "now": now_ms(), "inputs": '{"args": [], "kwargs": {}}'}
    return connection.execute(_BEGIN, row).first() is not None


def end(connection: sa.Connection, key: str, turn: int) -> None:
    """Forget who ran this turn: it is over, and its id is never used again."""
    connection.execute(_END, {"id": _id(key, turn)})


def find_runners(connection: sa.Connection, lanes: Sequence[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """The replicas that run these turns of lanes, of those that somebody began; ENDED where the drain has ended."""
    by_id = {_id(key, turn): (key, turn) for key, turn in lanes}
    if not by_id:
        return {}
    rows = connection.execute(_FIND, {"ids": list(by_id)}).all()
    return {by_id[row.workflow_uuid]: row.executor_id or ENDED if row.unfinished else ENDED for row in rows}


def _id(key: str, turn: int) -> str:
    return f"{key}#{turn}"
