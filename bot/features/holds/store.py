"""Store node locks, and holds on bumps: what people decided that GitHub does not know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from bot.domain.names import BranchName, NodeName, PullNumber, RepoName, SubmodulePath
from bot.features.holds.facts import Hold, Lock
from bot.storage.store import Store

TABLES = sa.MetaData()
NODE_LOCKS = sa.Table(
    "node_locks",
    TABLES,
    sa.Column("fleet", sa.Text, primary_key=True),  # lower case
    sa.Column("node", sa.Text, primary_key=True),
    sa.Column("pull", sa.BigInteger, nullable=False),
    sa.Column("lock", sa.Text, nullable=False),  # bot.features.holds.facts.Lock as JSON
    sa.Column("expires_at", sa.BigInteger, nullable=False),  # seconds since the epoch
)
HOLDS = sa.Table(
    "holds",
    TABLES,
    sa.Column("fleet", sa.Text, primary_key=True),  # lower case
    sa.Column("base", sa.Text, primary_key=True),
    sa.Column("submodule", sa.Text, primary_key=True),
    sa.Column("pin", sa.Text, primary_key=True),  # "" for a hold of every bump
    sa.Column("hold", sa.Text, nullable=False),  # bot.features.holds.facts.Hold as JSON
)
# Another pull request's lock is taken over only when it has expired.
_TAKE_LOCK = sa.text(
    "INSERT INTO node_locks (fleet, node, pull, lock, expires_at) VALUES (:fleet, :node, :pull, :lock, :expires_at) "
    "ON CONFLICT (fleet, node) DO UPDATE SET pull = excluded.pull, lock = excluded.lock, "
    "expires_at = excluded.expires_at WHERE node_locks.pull = excluded.pull OR node_locks.expires_at <= :now"
)
_HOLD = sa.text(
    "INSERT INTO holds (fleet, base, submodule, pin, hold) VALUES (:fleet, :base, :submodule, :pin, :hold) "
    "ON CONFLICT (fleet, base, submodule, pin) DO UPDATE SET hold = excluded.hold"
)


class LockTakenError(Exception):
    """Another pull request took the lock after the decision: decide again."""


def _find_everything() -> sa.CompoundSelect[Any]:
    """Locks of `fleet` that hold at `now`, and its holds."""
    locks = sa.select(
        sa.literal("lock").label("what"),
        NODE_LOCKS.c.node.label("first"),
        sa.literal("").label("second"),
        sa.literal("").label("third"),
        NODE_LOCKS.c.lock.label("record"),
    ).where(NODE_LOCKS.c.fleet == sa.bindparam("fleet"), NODE_LOCKS.c.expires_at > sa.bindparam("now"))
    holds = sa.select(sa.literal("hold"), HOLDS.c.base, HOLDS.c.submodule, HOLDS.c.pin, HOLDS.c.hold).where(
        HOLDS.c.fleet == sa.bindparam("fleet")
    )
    return sa.union_all(locks, holds).order_by("first", "second", "third")


_FIND_EVERYTHING = _find_everything()  # made once: it takes longer to make than to run


class HoldStore:
    """Locks and holds, in the bot's database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find_locks(self, fleet: RepoName, *, now: float) -> tuple[Lock, ...]:
        """The locks of a fleet that have not expired at `now` (seconds since the epoch)."""
        query = (
            sa.select(NODE_LOCKS.c.lock)
            .where(NODE_LOCKS.c.fleet == fleet.lower(), NODE_LOCKS.c.expires_at > int(now))
            .order_by(NODE_LOCKS.c.node)
        )
        with self._store.reading() as connection:
            return tuple(msgspec.json.decode(text, type=Lock) for text in connection.execute(query).scalars())

    def find_holds(self, fleet: RepoName, base: BranchName, submodule: SubmodulePath) -> tuple[Hold, ...]:
        """Every hold, rollback and resumption of one submodule of one base."""
        query = sa.select(HOLDS.c.hold).where(
            HOLDS.c.fleet == fleet.lower(), HOLDS.c.base == base, HOLDS.c.submodule == submodule
        )
        with self._store.reading() as connection:
            return tuple(msgspec.json.decode(text, type=Hold) for text in connection.execute(query).scalars())

    def find_all_holds(self, fleet: RepoName) -> tuple[Hold, ...]:
        """Every hold, rollback and resumption of a fleet, by base and submodule."""
        own = sa.select(HOLDS.c.hold).where(HOLDS.c.fleet == fleet.lower())
        query = own.order_by(HOLDS.c.base, HOLDS.c.submodule, HOLDS.c.pin)
        with self._store.reading() as connection:
            return tuple(msgspec.json.decode(text, type=Hold) for text in connection.execute(query).scalars())

    def find_everything(self, fleet: RepoName, *, now: float) -> tuple[tuple[Lock, ...], tuple[Hold, ...]]:
        """`find_locks` and `find_all_holds` in one query."""
        with self._store.reading() as connection:
            rows = connection.execute(_FIND_EVERYTHING, {"fleet": fleet.lower(), "now": int(now)}).all()
        return (
            tuple(msgspec.json.decode(row.record, type=Lock) for row in rows if row.what == "lock"),
            tuple(msgspec.json.decode(row.record, type=Hold) for row in rows if row.what == "hold"),
        )

    def save_hold(self, hold: Hold) -> None:
        """Keep a hold; a newer one on the same pin replaces it."""
        row = {
            "fleet": hold.fleet.lower(),
            "base": hold.base,
            "submodule": hold.submodule,
            "pin": hold.pin,
            "hold": msgspec.json.encode(hold).decode(),
        }
        self._store.write(lambda connection: connection.execute(_HOLD, row))

    def end_hold(self, fleet: RepoName, base: BranchName, submodule: SubmodulePath) -> None:
        """Remove the hold of every bump; what was said of a single pin stays."""
        gone = sa.delete(HOLDS).where(
            HOLDS.c.fleet == fleet.lower(), HOLDS.c.base == base, HOLDS.c.submodule == submodule, HOLDS.c.pin == ""
        )
        self._store.write(lambda connection: connection.execute(gone))


def take_lock(connection: sa.Connection, lock: Lock, *, now: int) -> None:
    """Take a lock inside the caller's transaction. Raises LockTakenError when another pull request has it."""
    row = {
        "fleet": lock.fleet.lower(),
        "node": lock.node,
        "pull": lock.pull,
        "lock": msgspec.json.encode(lock).decode(),
        "expires_at": lock.expires_at,
        "now": now,
    }
    if not connection.execute(_TAKE_LOCK, row).rowcount:
        raise LockTakenError(lock.node)


def release_locks(
    connection: sa.Connection, fleet: RepoName, nodes: Sequence[NodeName], *, pull: PullNumber | None = None
) -> None:
    """Remove locks inside the caller's transaction; with `pull` only those that it still holds."""
    for node in nodes:
        gone = sa.delete(NODE_LOCKS).where(NODE_LOCKS.c.fleet == fleet.lower(), NODE_LOCKS.c.node == node)
        connection.execute(gone if pull is None else gone.where(NODE_LOCKS.c.pull == pull))
