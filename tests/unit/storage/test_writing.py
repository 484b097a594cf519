"""A write that does not wait for the disk: whole or not at all, and the next one waits again."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.service.database import open_store
from bot.storage.store import Store, read_note, write_note


def levels(store: Store) -> set[int]:
    """How each pooled connection waits for the disk: 2 is at each commit."""
    with store.engine.connect() as one, store.engine.connect() as two:
        return {each.exec_driver_sql("PRAGMA synchronous").scalar_one() for each in (one, two)}


def test_what_is_written_without_waiting_stands_and_what_fails_is_undone(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'db.sqlite3'}")
    seen: list[int] = []

    def write(connection: sa.Connection) -> str:
        seen.append(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())
        write_note(connection, "a", "1")
        return read_note(connection, "a")

    def fail(connection: sa.Connection) -> None:
        write_note(connection, "a", "2")
        raise LookupError

    assert store.write_unsynced(write) == "1"
    with pytest.raises(LookupError):
        store.write_unsynced(fail)
    store.write(lambda connection: write_note(connection, "b", "3"))
    assert (store.read_note("a"), store.read_note("b"), seen) == ("1", "3", [1])
    assert levels(store) == {2}
    store.close()
