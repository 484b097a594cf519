"""Open the database, create or migrate its tables, and run reads and writes in short transactions.

One SQLite file with one process, or one PostgreSQL with several. Which tables there are is what the caller hands
to `Store`: each package declares its own. Times are whole milliseconds since 1970, UTC.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

import sqlalchemy as sa

from bot.domain.errors import NoDataError
from bot.storage.migrations import StoreError, migrate

_LOG = logging.getLogger("bot.storage.store")
_T = TypeVar("_T")

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # only INTEGER counts up by itself on SQLite
PASSING = {"backup": False}
"""The `info` of a table that a backup leaves out: it describes the running service, not what the service keeps."""

DAY_MS = 86_400_000
_DELETED_AT_ONCE = 500
_LARGEST_GROUP = 50

_OWN = sa.MetaData()
META = sa.Table(
    "meta",
    _OWN,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

LEASES = sa.Table(
    "leases",
    _OWN,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
    info=PASSING,
)


def now_ms() -> int:
    """This moment in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class _Job(Generic[_T]):
    """One thread's write, and what became of it."""

    def __init__(self, write: Callable[[sa.Connection], _T]) -> None:
        self._write = write
        self._results: list[_T] = []
        self.problem: BaseException | None = None
        self.settled = threading.Event()

    def run(self, connection: sa.Connection) -> None:
        self._results = [self._write(connection)]

    def result(self) -> _T:
        if self.problem is not None:
            raise self.problem
        return self._results[0]


class GroupCommit:
    """Several threads' writes in one transaction of SQLite, each whole or not at all, on the disk when it returns.

    A commit waits for the disk and there is one writer at a time, so that each thread committing for itself would
    wait for all the others' disk. Here whoever holds the lock writes for everybody that waits, and commits once.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._writer = threading.Lock()
        self._waiting: list[_Job[object]] = []
        self._waiting_lock = threading.Lock()

    def write(self, write: Callable[[sa.Connection], _T]) -> _T:
        """Run `write` in a transaction. What it raises undoes it and is raised here; others are not touched."""
        mine = _Job(write)
        with self._waiting_lock:
            self._waiting.append(mine)  # type: ignore[arg-type]  # a list of jobs with different results
        while not mine.settled.is_set():
            with self._writer:
                if mine.settled.is_set():
                    break
                with self._waiting_lock:
                    group, self._waiting = self._waiting[:_LARGEST_GROUP], self._waiting[_LARGEST_GROUP:]
                self._run(group)
        return mine.result()

    def write_unsynced(self, write: Callable[[sa.Connection], _T]) -> _T:
        """Run `write` in a transaction of its own that does not wait for the disk: a power cut may undo it."""
        with self._writer, self._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA synchronous=NORMAL")
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                result = write(connection)
                connection.commit()
            finally:
                connection.rollback()
                connection.exec_driver_sql("PRAGMA synchronous=FULL")
            return result

    def _run(self, group: list[_Job[object]]) -> None:
        try:
            with self._engine.connect() as connection:
                # The sqlite3 module would begin only before the first write, and a read before it could be stale.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                for job in group:
                    self._run_one(connection, job)
                connection.commit()
        except BaseException as problem:  # noqa: BLE001 - raised in every thread that it concerns
            for job in group:
                job.problem = job.problem or problem
        finally:
            for job in group:
                job.settled.set()

    def _run_one(self, connection: sa.Connection, job: _Job[object]) -> None:
        connection.exec_driver_sql("SAVEPOINT job")
        try:
            job.run(connection)
        except BaseException as problem:  # noqa: BLE001 - raised in the thread whose job it is
            job.problem = problem
            connection.exec_driver_sql("ROLLBACK TO job")
        connection.exec_driver_sql("RELEASE job")


class Store:
    """The open database. Safe to share between threads."""

    def __init__(self, url: str, schema: Sequence[sa.MetaData] = (), *, make: bool = True) -> None:
        """Open `url` (SQLAlchemy's form), create or migrate the tables of `schema` and our own.

        Raises StoreError; without `make` NoDataError when there is no database yet, and leaves none behind.
        """
        self.url = url
        self.tables = tuple(table for part in (_OWN, *schema) for table in part.sorted_tables)
        file = Path(sa.make_url(url).database or "")
        if not make and url.startswith("sqlite") and not file.exists():
            raise NoDataError(_no_database(str(file)))
        self.engine = make_engine(url)
        self._group = GroupCommit(self.engine) if self.is_sqlite else None
        try:
            before, now = self.write(lambda connection: self._migrate(connection, make=make))
        except NoDataError:
            self.engine.dispose()
            raise
        except sa.exc.DatabaseError as problem:  # OperationalError, and that of a file of another kind
            self.engine.dispose()
            raise StoreError(
                f"cannot open the database {self.engine.url.render_as_string(hide_password=True)}: "
                f"{' '.join(str(problem.orig).split())}; see that it runs, that its disk has room, and that "
                "AIOS_BOT_DATABASE_URL or AIOS_BOT_DATA names the right one"
            ) from None
        if before not in (0, now):
            _LOG.info("the database was brought from schema %d to %d", before, now)

    def _migrate(self, connection: sa.Connection, *, make: bool) -> tuple[int, int]:
        before, now = migrate(connection, self.tables, META)
        if before == 0 and not make:  # undoes what was made
            raise NoDataError(_no_database(self.engine.url.render_as_string(hide_password=True)))
        return before, now

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    def ping(self) -> None:
        """Raises when the database does not answer."""
        with self.reading() as connection:
            connection.execute(sa.select(sa.literal(1)))

    def measure(self) -> int:
        """Bytes that the database takes."""
        if self.is_sqlite:
            file = Path(self.engine.url.database or "")
            return sum(one.stat().st_size for one in file.parent.glob(f"{file.stem}*") if one.is_file())
        with self.reading() as connection:
            return int(connection.execute(sa.text("SELECT pg_database_size(current_database())")).scalar_one())

    def write(self, write: Callable[[sa.Connection], _T]) -> _T:
        """Run `write` in one transaction, committed when it returns and undone when it raises."""
        if self._group is not None:
            return self._group.write(write)
        with self.engine.begin() as connection:
            return write(connection)

    def write_unsynced(self, write: Callable[[sa.Connection], _T]) -> _T:
        """The same without waiting for the disk: it stands if the process is killed, and a power cut may undo it."""
        if self._group is not None:
            return self._group.write_unsynced(write)
        with self.engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            return write(connection)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One consistent look at the database (PostgreSQL: one for each statement, unless the level is raised)."""
        with self.engine.connect() as connection:
            if self.is_sqlite:  # whose module begins a transaction for writes alone
                connection.connection.cursor().execute("BEGIN")
            yield connection

    def delete_rows(self, delete: sa.TextClause, before: int) -> int:
        """Run `delete` until it finds no more; it takes `:before` (milliseconds) and `:most` rows. How many went."""
        row, total = {"before": before, "most": _DELETED_AT_ONCE}, 0
        while True:
            gone = self.write(lambda connection: connection.execute(delete, row).rowcount)
            total += gone
            if gone < _DELETED_AT_ONCE:
                return total

    # -- notes ----------------------------------------------------------------------------------------------

    def read_note(self, name: str) -> str:
        """What was noted last under `name` by any replica; "" when nothing was."""
        with self.reading() as connection:
            return read_note(connection, name)

    def write_note(self, name: str, value: str) -> None:
        """Note `value` under `name`."""
        self.write(lambda connection: write_note(connection, name, value))

    def take_lease(self, name: str, holder: str, *, seconds: float) -> bool:
        """Whether `holder` alone does what `name` means, for so long; again prolongs it. By this machine's clock."""
        row = {"name": name, "holder": holder, "now": now_ms(), "until": now_ms() + int(seconds * 1000)}
        return self.write(lambda connection: connection.execute(_TAKE_LEASE, row).first() is not None)


def _no_database(place: str) -> str:
    cure = "run this in the service's folder, or set AIOS_BOT_DATA or AIOS_BOT_DATABASE_URL as for `aios-bot serve`"
    return f"there is no database of aios-bot at {place}: {cure}"


def make_engine(url: str) -> sa.Engine:
    """An engine for `url` with what SQLite needs for several threads and for surviving a power cut."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sa.create_engine(parsed, pool_pre_ping=True, pool_size=10, max_overflow=10)
    Path(parsed.database or "").parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(parsed, connect_args={"timeout": 30}, pool_size=10, max_overflow=20)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = "IMMEDIATE"
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


_TAKE_LEASE = sa.text(
    "INSERT INTO leases (name, holder, until) VALUES (:name, :holder, :until) "
    "ON CONFLICT (name) DO UPDATE SET holder = :holder, until = :until "
    "WHERE leases.until < :now OR leases.holder = :holder RETURNING name"
)
_READ_META = sa.text("SELECT value FROM meta WHERE name = :name")
_WRITE_META = sa.text(
    "INSERT INTO meta (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = :value"
)


def read_note(connection: sa.Connection, name: str) -> str:
    """What was noted last under `name`, inside the caller's transaction; "" when nothing was."""
    return str(connection.execute(_READ_META, {"name": name}).scalar() or "")


def write_note(connection: sa.Connection, name: str, value: str) -> None:
    """Note `value` under `name`, inside the caller's transaction."""
    connection.execute(_WRITE_META, {"name": name, "value": value})
