"""The bot's own tables: deliveries and looks (see queue/ledger.py), pins, plans, and a little about itself.

One SQLite file with one process, or one PostgreSQL with several. Every write is one short transaction in
`Store.write`. Times are whole milliseconds since 1970, UTC.
"""

from __future__ import annotations

import logging
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import msgspec
import sqlalchemy as sa

from bot.domain.names import PlanId, RepoName
from bot.features.commands import tables as people_tables  # noqa: F401 - their tables join the metadata
from bot.features.fleets.facts import Pinned
from bot.features.rollout import tables as fleet_tables  # noqa: F401 - their tables join the metadata
from bot.plan.model import Plan
from bot.storage.group_commit import GroupCommit
from bot.storage.migrations import StoreError, migrate
from bot.storage.schema import BIG, METADATA

_LOG = logging.getLogger("bot.storage.store")
_T = TypeVar("_T")

META = sa.Table(
    "meta",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

DELIVERIES = sa.Table(
    "deliveries",
    METADATA,
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

LOOKS = sa.Table(
    "looks",
    METADATA,
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
    METADATA,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("turn", sa.BigInteger, nullable=False),  # one drain per turn: "KEY#TURN" is its id in the engine
)

REPLICAS = sa.Table(
    "replicas",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("seen_at", sa.BigInteger, nullable=False),  # by the database's clock
)

LEASES = sa.Table(
    "leases",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
)

PINS = sa.Table(
    "pins",
    METADATA,
    sa.Column("fleet", sa.Text, primary_key=True),
    sa.Column("base", sa.Text, primary_key=True),
    sa.Column("submodule", sa.Text, primary_key=True),
    sa.Column("pin", sa.Text, nullable=False),  # bot.features.fleets.facts.Pinned as JSON
)

PLANS = sa.Table(
    "plans",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("fleet", sa.Text),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("made_at", sa.BigInteger, nullable=False),
)

_PINS_VERSION = "pins_version"


def now_ms() -> int:
    """This moment in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def all_tables() -> tuple[sa.Table, ...]:
    """Every table of ours, in an order in which rows may be put in."""
    return tuple(METADATA.sorted_tables)


class Pins:
    """All pins as they were at one moment; a bot.features.fleets.facts.PinIndex."""

    def __init__(self, rows: Sequence[Pinned] = ()) -> None:
        self._by_upstream: dict[str, tuple[Pinned, ...]] = {}
        self._by_fleet: dict[str, tuple[Pinned, ...]] = {}
        self._by_hub: dict[str, tuple[Pinned, ...]] = {}
        for row in rows:
            # GitHub treats names that differ only in case as the same repository.
            for index, name in ((self._by_upstream, row.upstream), (self._by_fleet, row.fleet)):
                index[name.lower()] = (*index.get(name.lower(), ()), row)
            for hub in {name.lower() for name in (row.hub, row.listed_by) if name is not None}:
                self._by_hub[hub] = (*self._by_hub.get(hub, ()), row)

    def pinned_by(self, upstream: RepoName) -> tuple[Pinned, ...]:
        """Every pin that points at `upstream`, over all fleets."""
        return self._by_upstream.get(upstream.lower(), ())

    def pins_of(self, fleet: RepoName) -> tuple[Pinned, ...]:
        """Every pin that `fleet` holds; empty when the repository is no fleet."""
        return self._by_fleet.get(fleet.lower(), ())

    def pins_shown_by(self, hub: RepoName) -> tuple[Pinned, ...]:
        """Every pin of the fleets that name `hub`, or that its own file lists."""
        return self._by_hub.get(hub.lower(), ())


class Store:
    """The open database. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        """Open `url` (SQLAlchemy's form), create or migrate its tables. Raises StoreError."""
        self.url = url
        self.engine = make_engine(url)
        self._group = GroupCommit(self.engine) if self.is_sqlite else None
        self._pins: tuple[str, Pins] = ("", Pins())
        try:
            before, now = self.write(lambda connection: migrate(connection, METADATA, META))
        except sa.exc.OperationalError as problem:
            self.engine.dispose()
            raise StoreError(
                f"cannot open the database {self.engine.url.render_as_string(hide_password=True)}: "
                f"{str(problem.orig).strip()}"
            ) from None
        if before not in (0, now):
            _LOG.info("the database was brought from schema %d to %d", before, now)

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
        """Bytes that the database takes, with the engine's own tables."""
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

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One consistent look at the database."""
        with self.engine.connect() as connection:
            yield connection

    # -- notes ----------------------------------------------------------------------------------------------

    def read_note(self, name: str) -> str:
        """What was noted last under `name` by any replica; "" when nothing was."""
        with self.reading() as connection:
            return _read_meta(connection, name)

    def write_note(self, name: str, value: str) -> None:
        """Note `value` under `name`."""
        self.write(lambda connection: _write_meta(connection, name, value))

    def take_lease(self, name: str, holder: str, *, seconds: float) -> bool:
        """Whether `holder` alone does what `name` means, for so long; again prolongs it. By this machine's clock."""
        row = {"name": name, "holder": holder, "now": now_ms(), "until": now_ms() + int(seconds * 1000)}
        return self.write(lambda connection: connection.execute(_TAKE_LEASE, row).first() is not None)

    # -- pins -----------------------------------------------------------------------------------------------

    def pins(self) -> Pins:
        """The index of who pins what, as last written by any replica. One tiny query when nothing changed."""
        with self.reading() as connection:
            version = _read_meta(connection, _PINS_VERSION)
            if version != self._pins[0]:
                self._pins = (version, Pins(_read_pins(connection)))
        return self._pins[1]

    def pinned_by(self, upstream: RepoName) -> tuple[Pinned, ...]:
        """Every pin that points at `upstream`, over all fleets (bot.features.fleets.facts.PinIndex)."""
        return self.pins().pinned_by(upstream)

    def pins_of(self, fleet: RepoName) -> tuple[Pinned, ...]:
        """Every pin that `fleet` holds (bot.features.fleets.facts.PinIndex)."""
        return self.pins().pins_of(fleet)

    def pins_shown_by(self, hub: RepoName) -> tuple[Pinned, ...]:
        """Every pin of the fleets that `hub` shows (bot.features.fleets.facts.PinIndex)."""
        return self.pins().pins_shown_by(hub)

    def replace_pins(self, fleet: RepoName, rows: Sequence[Pinned]) -> None:
        """From now on `fleet` holds exactly these pins; none: it is no fleet any more."""
        if tuple(rows) == self.pins_of(fleet):
            return

        def write(connection: sa.Connection) -> None:
            connection.execute(sa.delete(PINS).where(sa.func.lower(PINS.c.fleet) == fleet.lower()))
            if rows:
                connection.execute(sa.insert(PINS), [_pin_row(row) for row in rows])
            _write_meta(connection, _PINS_VERSION, uuid.uuid4().hex)

        self.write(write)

    # -- plans ----------------------------------------------------------------------------------------------

    def save_plan(self, plan: Plan) -> None:
        """Keep `plan` for its page; the same id again changes nothing (an id covers the content)."""
        row = {"id": plan.id, "fleet": plan.fleet, "plan": msgspec.json.encode(plan).decode(), "made_at": now_ms()}
        self.write(
            lambda connection: connection.execute(
                sa.text(
                    "INSERT INTO plans (id, fleet, plan, made_at) VALUES (:id, :fleet, :plan, :made_at) "
                    "ON CONFLICT (id) DO NOTHING"
                ),
                row,
            )
        )

    def find_plan(self, plan_id: PlanId) -> Plan | None:
        """The plan with this id, or None."""
        with self.reading() as connection:
            text = connection.execute(sa.select(PLANS.c.plan).where(PLANS.c.id == plan_id)).scalar()
        return None if text is None else msgspec.json.decode(text, type=Plan)


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
    if sqlite3.sqlite_version_info < (3, 42):
        # DBOS asks for unixepoch('subsec') on Python 3.12 and newer; SQLite knows it since 3.42.
        connection.create_function("unixepoch", 1, lambda _how: time.time())


_TAKE_LEASE = sa.text(
    "INSERT INTO leases (name, holder, until) VALUES (:name, :holder, :until) "
    "ON CONFLICT (name) DO UPDATE SET holder = :holder, until = :until "
    "WHERE leases.until < :now OR leases.holder = :holder RETURNING name"
)
_READ_META = sa.text("SELECT value FROM meta WHERE name = :name")
_WRITE_META = sa.text(
    "INSERT INTO meta (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = :value"
)


def _read_meta(connection: sa.Connection, name: str) -> str:
    return str(connection.execute(_READ_META, {"name": name}).scalar() or "")


def _write_meta(connection: sa.Connection, name: str, value: str) -> None:
    connection.execute(_WRITE_META, {"name": name, "value": value})


def _pin_row(pin: Pinned) -> dict[str, str]:
    return {
        "fleet": pin.fleet,
        "base": pin.base,
        "submodule": pin.submodule,
        "pin": msgspec.json.encode(pin).decode(),
    }


def _read_pins(connection: sa.Connection) -> list[Pinned]:
    """Every stored pin. One written by a version with other fields is left out: fleets are read anew at start."""
    pins = []
    for (text,) in connection.execute(sa.select(PINS.c.pin).order_by(PINS.c.fleet, PINS.c.base, PINS.c.submodule)):
        with suppress(msgspec.ValidationError):
            pins.append(msgspec.json.decode(text, type=Pinned))
    return pins
