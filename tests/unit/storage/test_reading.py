"""A look at the database is one, whatever is written meanwhile: a backup dumps table after table."""

from __future__ import annotations

from pathlib import Path

from bot.service.database import open_store
from bot.storage.store import read_note


def test_what_is_written_during_a_look_is_not_seen_in_it(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'db.sqlite3'}")
    with store.reading() as connection:
        assert read_note(connection, "a") == ""
        store.write_note("a", "1")
        assert read_note(connection, "a") == ""
    assert store.read_note("a") == "1"
    store.close()
