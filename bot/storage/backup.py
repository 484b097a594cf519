"""The service's memory in one file, and back: also from SQLite to PostgreSQL and the other way.

A backup is a tar file of the tables as JSON lines, read at one moment while the service runs, and of the keys.
Mirrors and renderings are not in it (GitHub has everything), nor what describes the running service: the jobs that
were under way are in it, and are run again.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
import time
import zlib
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import sqlalchemy as sa

from bot.domain.errors import BotError
from bot.storage.migrations import STEPS
from bot.storage.store import META, PASSING, Store

FORMAT = 1
_ABOUT = "about.json"
_TABLES, _KEYS = "tables/", "keys/"
_AT_ONCE = 500
_LARGEST_KEY = 64 * 1024


class BackupError(BotError):
    """The backup cannot be made, or not be restored, as asked."""


def write_backup(store: Store, keys: Path, target: Path) -> dict[str, int]:
    """Write everything to `target` (which must not exist), for its owner only; the rows of each table."""
    counts: dict[str, int] = {}
    aside = target.with_name(f".{target.name}.part")
    try:
        opened = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        if target.exists():
            raise BackupError(f"{target} exists already; give another name")
        with os.fdopen(opened, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
            about = {
                "format": FORMAT,
                "version": version("aios-bot"),
                "schema": len(STEPS) + 1,
                "made_at": int(time.time()),
            }
            _add(archive, _ABOUT, json.dumps(about).encode())
            with store.reading() as connection:
                if not store.is_sqlite:
                    connection.execution_options(isolation_level="REPEATABLE READ")
                for table in _kept_tables(store):
                    lines = [json.dumps(dict(row)) for row in connection.execute(_all_of(table)).mappings()]
                    counts[table.name] = len(lines)
                    _add(archive, f"{_TABLES}{table.name}.jsonl", "\n".join(lines).encode())
            for key in sorted(keys.iterdir()) if keys.is_dir() else []:
                if key.is_file():
                    _add(archive, _KEYS + key.name, key.read_bytes())
            file.flush()
        aside.rename(target)
    except OSError as problem:
        raise BackupError(f"cannot write {target}: {problem.strerror or problem}") from None
    finally:
        aside.unlink(missing_ok=True)
    return counts


def read_backup(store: Store, keys: Path, source: Path) -> dict[str, int]:
    """Fill an empty database, and an empty folder of keys, from `source`; the rows of each table.

    All of the tables or none. Raises BackupError when there is something to lose, or `source` is not ours.
    """
    try:
        with tarfile.open(source, mode="r:gz") as archive:
            about = json.loads(_read(archive, _ABOUT))
            if about.get("format") != FORMAT or int(about["schema"]) > len(STEPS) + 1:
                raise BackupError(f"{source} is of aios-bot {about.get('version')}: restore it with that version")
            held = {name: _read(archive, name) for name in archive.getnames() if name.startswith(_KEYS)}
            counts = store.write(lambda connection: _fill(connection, archive, _kept_tables(store)))
            _put_keys(keys, held)
    except (OSError, EOFError, zlib.error, tarfile.TarError, ValueError, KeyError) as problem:
        raise BackupError(f"{source} is no backup of aios-bot, or is damaged: {problem}") from None
    return counts


def _kept_tables(store: Store) -> tuple[sa.Table, ...]:
    return tuple(table for table in store.tables if table.info != PASSING)


def _all_of(table: sa.Table) -> sa.Select[tuple[object, ...]]:
    """Its rows that are memory: the shape of the database is its own."""
    every = sa.select(table)
    return every.where(META.c.name != "schema") if table is META else every


def _fill(connection: sa.Connection, archive: tarfile.TarFile, tables: Sequence[sa.Table]) -> dict[str, int]:
    counts = {}
    known = set(archive.getnames())
    for table in tables:
        if connection.execute(_all_of(table).limit(1)).first() is not None:
            raise BackupError(f"the database is not empty (table {table.name}): restore into a new one")
        name = f"{_TABLES}{table.name}.jsonl"
        rows = list(_rows(_read(archive, name))) if name in known else []
        for start in range(0, len(rows), _AT_ONCE):
            connection.execute(sa.insert(table), rows[start : start + _AT_ONCE])
        counts[table.name] = len(rows)
        if connection.dialect.name == "postgresql" and rows and "seq" in table.c:
            connection.execute(
                sa.text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'seq'), max(seq)) FROM {table.name}")  # noqa: S608 - our own table
            )
    return counts


def _rows(text: bytes) -> Iterator[dict[str, object]]:
    for line in text.decode().splitlines():
        yield json.loads(line)


def _put_keys(folder: Path, held: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, content in held.items():
        path = folder / Path(name).name
        if path.exists() and path.read_bytes() != content:
            raise BackupError(f"{path} holds another key: restore into a new data folder")
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(opened, "wb") as file:
            file.write(content)


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.getmember(name)
    file = archive.extractfile(member) if member.isfile() else None
    if file is None or (name.startswith(_KEYS) and member.size > _LARGEST_KEY):
        raise ValueError(f"{name} is not a file")
    return file.read()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = len(content), 0o600, int(time.time())
    archive.addfile(member, io.BytesIO(content))
