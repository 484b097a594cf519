"""Store commands and what was decided about them, with the locks and audit records that belong to the decision.

Every function is one transaction, so that a command is decided, locked and recorded together or not at all.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace

from bot.domain.names import InstallationId, NodeName, RepoName
from bot.features.audit.facts import AuditRecord
from bot.features.audit.store import append_records
from bot.features.bump.store import POSTED_PLANS
from bot.features.commands.decide.attention import WINDOW, RecentCommands
from bot.features.commands.facts.record import CommandRecord
from bot.features.fleets.store import note_identity
from bot.features.holds.facts import Hold, Lock
from bot.features.holds.store import HOLDS, NODE_LOCKS, release_locks, take_lock
from bot.features.outbox.pulls import WAITING_PULLS
from bot.features.rollout.history import ORDERS
from bot.features.rollout.store import LOGS, NODE_ENGINES, NODE_STARTS, NODE_VERSIONS, ORDERS_MADE, RESULTS
from bot.storage.rows import drop_rows, move_rows, rewrite_rows
from bot.storage.store import Store

TABLES = sa.MetaData()
COMMANDS = sa.Table(
    "asked",
    TABLES,
    sa.Column("source", sa.Text, primary_key=True),  # "comment:ID"
    sa.Column("fleet", sa.Text, nullable=False),
    sa.Column("pull", sa.BigInteger, nullable=False),
    sa.Column("open", sa.Boolean, nullable=False),  # its orders have not all ended
    sa.Column("asked", sa.Text, nullable=False),  # bot.features.commands.facts.record.CommandRecord as JSON
    sa.Index("asked_open", "fleet", "open"),
)
_SAVE = sa.text(
    "INSERT INTO asked (source, fleet, pull, open, asked) VALUES (:source, :fleet, :pull, :open, :asked) "
    "ON CONFLICT (source) DO NOTHING"
)


_NAMES = (
    *(table.c.fleet for table in (COMMANDS, HOLDS, NODE_LOCKS, WAITING_PULLS, ORDERS, RESULTS, LOGS, ORDERS_MADE)),
    *(table.c.fleet for table in (NODE_STARTS, NODE_VERSIONS, NODE_ENGINES)),
    POSTED_PLANS.c.repo,
)
"""In each table whose rows belong to a fleet, the column that names it."""


class RecentCommandStore:
    """Each person's latest commands in each fleet, in memory: enough to limit what one person costs.

    A command that runs again counts once, by its source.
    """

    def __init__(self, seconds: float = WINDOW, *, most: int = 10_000) -> None:
        """Commands count for `seconds`; of more than `most` persons the one heard longest ago is forgotten."""
        self._seconds = seconds
        self._most = most
        self._seen: dict[tuple[str, str], dict[str, float]] = {}
        self._refused: dict[tuple[str, str], tuple[str, float]] = {}  # the first refused command of the window
        self._lock = threading.Lock()

    def note(self, fleet: RepoName, actor: str, source: str, *, now: float) -> RecentCommands:
        """Count a command, and give what came before it. `now` is in seconds since the epoch."""
        key = (fleet.lower(), actor.lower())
        with self._lock:
            commands = self._recent(key, now)
            commands.setdefault(source, now)
            self._seen[key] = commands
            while len(self._seen) > self._most:
                self._seen.pop(next(iter(self._seen)))
            return RecentCommands(earlier=list(commands).index(source), refused=self._is_refused(key, source, now))

    def peek(self, fleet: RepoName, actor: str, *, now: float) -> RecentCommands:
        """What came before the next command, which is not counted yet."""
        key = (fleet.lower(), actor.lower())
        with self._lock:
            earlier = sum(now - at < self._seconds for at in self._seen.get(key, {}).values())
            return RecentCommands(earlier=earlier, refused=self._is_refused(key, "", now))

    def refuse(self, fleet: RepoName, actor: str, source: str, *, now: float) -> None:
        """Note that this person may not use commands here."""
        key = (fleet.lower(), actor.lower())
        with self._lock:
            self._refused = {one: (by, at) for one, (by, at) in self._refused.items() if now - at < self._seconds}
            self._refused.setdefault(key, (source, now))

    def _recent(self, key: tuple[str, str], now: float) -> dict[str, float]:
        return {source: at for source, at in self._seen.pop(key, {}).items() if now - at < self._seconds}

    def _is_refused(self, key: tuple[str, str], source: str, now: float) -> bool:
        by, at = self._refused.get(key, (source, now))
        return by != source and now - at < self._seconds


class CommandStore:
    """Commands by their source, in the bot's database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, source: str) -> CommandRecord | None:
        """What was decided about a command, if it was."""
        with self._store.reading() as connection:
            text = connection.execute(sa.select(COMMANDS.c.asked).where(COMMANDS.c.source == source)).scalar()
        return None if text is None else msgspec.json.decode(text, type=CommandRecord)

    def find_open(self, fleet: RepoName) -> tuple[CommandRecord, ...]:
        """The commands of a fleet whose orders have not all ended, oldest first."""
        query = sa.select(COMMANDS.c.asked).where(COMMANDS.c.fleet == fleet.lower(), COMMANDS.c.open)
        with self._store.reading() as connection:
            found = [msgspec.json.decode(text, type=CommandRecord) for text in connection.execute(query).scalars()]
        return tuple(sorted(found, key=lambda record: (record.at, record.source)))

    def save(
        self,
        record: CommandRecord,
        audit: Sequence[AuditRecord],
        *,
        locks: Sequence[Lock] = (),
        unlock: Sequence[NodeName] = (),
    ) -> None:
        """Keep a decided command with its locks and audit records; one that is known already changes nothing.

        Raises LockTakenError, and keeps nothing, when another pull request has one of the locks by now.
        """

        def write(connection: sa.Connection) -> None:
            row = {
                "source": record.source,
                "fleet": record.fleet.lower(),
                "pull": record.pull,
                "open": bool(record.orders),
                "asked": msgspec.json.encode(record).decode(),
            }
            if not connection.execute(_SAVE, row).rowcount:
                return
            release_locks(connection, record.fleet, unlock)
            for lock in locks:
                take_lock(connection, lock, now=record.at)
            append_records(connection, f"{record.source}:asked", audit)

        self._store.write(write)

    def update(self, record: CommandRecord) -> None:
        """Keep what became of it."""
        text = msgspec.json.encode(record).decode()
        changed = sa.update(COMMANDS).where(COMMANDS.c.source == record.source).values(asked=text)
        self._store.write(lambda connection: connection.execute(changed))

    def close(self, source: str) -> None:
        """All its orders have ended."""
        closed = sa.update(COMMANDS).where(COMMANDS.c.source == source).values(open=False)
        self._store.write(lambda connection: connection.execute(closed))

    def adopt(self, fleet: RepoName, installation: InstallationId, identity: int, before: RepoName | None) -> None:
        """Have `fleet` own what is stored under the name `before`, and nothing of what is stored under its own.

        `identity` is the id of its repository. The audit trail is of what happened, and stays.
        """

        def write(connection: sa.Connection) -> None:
            drop_rows(connection, _NAMES, fleet)
            if before is not None:
                move_rows(connection, _NAMES, before, fleet)
                for kind, column in ((Hold, HOLDS.c.hold), (Lock, NODE_LOCKS.c.lock)):
                    rewrite_rows(connection, column.table.c.fleet, column, fleet, partial(_rename, kind, fleet))
                renamed = partial(_rename_command, fleet, installation)
                rewrite_rows(connection, COMMANDS.c.fleet, COMMANDS.c.asked, fleet, renamed)
            note_identity(connection, fleet, identity)

        self._store.write(write)

    def end_locks(self, locks: Sequence[Lock], audit: Sequence[AuditRecord], *, key: str) -> None:
        """End locks that their pull requests still hold; `key` makes the audit records once."""

        def write(connection: sa.Connection) -> None:
            for lock in locks:
                release_locks(connection, lock.fleet, (lock.node,), pull=lock.pull)
            append_records(connection, key, audit)

        self._store.write(write)


def _rename(kind: type[Hold] | type[Lock], fleet: RepoName, text: str) -> str:
    try:
        return msgspec.json.encode(replace(msgspec.json.decode(text, type=kind), fleet=fleet)).decode()
    except msgspec.MsgspecError:  # of a newer version: it stays as it is
        return text


def _rename_command(fleet: RepoName, installation: InstallationId, text: str) -> str:
    try:
        record = msgspec.json.decode(text, type=CommandRecord)
    except msgspec.MsgspecError:  # the same
        return text
    orders = tuple(replace(order, fleet=fleet) for order in record.orders)
    locks = tuple(replace(lock, fleet=fleet) for lock in record.locks)
    renamed = replace(record, fleet=fleet, installation=installation, orders=orders, locks=locks)
    return msgspec.json.encode(renamed).decode()
