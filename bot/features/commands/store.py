"""Reads and writes of what people said and own: commands, locks, holds, the plans they saw, the audit trail.

Every function is one transaction, so that a command is decided, locked and recorded at once or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import sqlalchemy as sa

from bot.domain.names import BranchName, NodeName, PlanId, PullNumber, RepoName, SubmodulePath
from bot.features.audit.facts import Record
from bot.features.commands.facts.record import Asked
from bot.features.commands.jobs import RunCommand
from bot.features.commands.tables import ASKED, AUDIT, HOLDS, NODE_LOCKS, POSTED_PLANS
from bot.features.holds.facts import Hold, Lock
from bot.service.router import Look
from bot.storage.store import Store, now_ms

_KEEP_AUDIT = sa.text(
    "INSERT INTO audit (id, fleet, at, record) VALUES (:id, :fleet, :at, :record) ON CONFLICT (id) DO NOTHING"
)
_KEEP_ASKED = sa.text(
    "INSERT INTO asked (source, fleet, pull, open, asked) VALUES (:source, :fleet, :pull, :open, :asked) "
    "ON CONFLICT (source) DO NOTHING"
)
# Another's lock is taken over only when it has expired.
_TAKE_LOCK = sa.text(
    "INSERT INTO node_locks (fleet, node, pull, lock, expires_at) VALUES (:fleet, :node, :pull, :lock, :expires_at) "
    "ON CONFLICT (fleet, node) DO UPDATE SET pull = excluded.pull, lock = excluded.lock, "
    "expires_at = excluded.expires_at WHERE node_locks.pull = excluded.pull OR node_locks.expires_at <= :now"
)
_HOLD = sa.text(
    "INSERT INTO holds (fleet, base, submodule, pin, hold) VALUES (:fleet, :base, :submodule, :pin, :hold) "
    "ON CONFLICT (fleet, base, submodule, pin) DO UPDATE SET hold = excluded.hold"
)
_POSTED = sa.text(
    "INSERT INTO posted_plans (repo, pull, plan) VALUES (:repo, :pull, :plan) "
    "ON CONFLICT (repo, pull) DO UPDATE SET plan = excluded.plan"
)


class LockTakenError(Exception):
    """Somebody else took the lock since the decision fell; decide again."""


class People:
    """What people said and own, in the bot's database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # -- commands -------------------------------------------------------------------------------------------

    def find_asked(self, source: str) -> Asked | None:
        """What was decided about a command, if it was."""
        with self._store.reading() as connection:
            text = connection.execute(sa.select(ASKED.c.asked).where(ASKED.c.source == source)).scalar()
        return None if text is None else msgspec.json.decode(text, type=Asked)

    def open_asked(self, fleet: RepoName) -> tuple[Asked, ...]:
        """The commands of a fleet whose orders have not all ended, oldest first."""
        query = sa.select(ASKED.c.asked).where(ASKED.c.fleet == fleet.lower(), ASKED.c.open)
        with self._store.reading() as connection:
            found = [msgspec.json.decode(text, type=Asked) for text in connection.execute(query).scalars()]
        return tuple(sorted(found, key=lambda asked: (asked.at, asked.source)))

    def keep_asked(
        self, asked: Asked, records: Sequence[Record], *, locks: Sequence[Lock] = (), unlock: Sequence[NodeName] = ()
    ) -> None:
        """Keep a decided command with its locks and records; one that is known already changes nothing.

        Raises LockTakenError, and keeps nothing, when a lock is another's by now.
        """

        def write(connection: sa.Connection) -> None:
            row = {
                "source": asked.source,
                "fleet": asked.fleet.lower(),
                "pull": asked.pull,
                "open": bool(asked.orders),
                "asked": msgspec.json.encode(asked).decode(),
            }
            if not connection.execute(_KEEP_ASKED, row).rowcount:
                return
            _unlock(connection, asked.fleet, unlock)
            for lock in locks:
                _take(connection, lock, now=asked.at)
            _record(connection, f"{asked.source}:asked", records)

        self._store.write(write)

    def update_asked(self, asked: Asked) -> None:
        """Keep what became of it."""
        text = msgspec.json.encode(asked).decode()
        changed = sa.update(ASKED).where(ASKED.c.source == asked.source).values(asked=text)
        self._store.write(lambda connection: connection.execute(changed))

    def close_asked(self, source: str) -> None:
        """All its orders have ended."""
        self._store.write(lambda c: c.execute(sa.update(ASKED).where(ASKED.c.source == source).values(open=False)))

    # -- locks ----------------------------------------------------------------------------------------------

    def find_locks(self, fleet: RepoName, *, now: float) -> tuple[Lock, ...]:
        """The locks of a fleet that have not expired at `now` (seconds since the epoch)."""
        query = (
            sa.select(NODE_LOCKS.c.lock)
            .where(NODE_LOCKS.c.fleet == fleet.lower(), NODE_LOCKS.c.expires_at > int(now))
            .order_by(NODE_LOCKS.c.node)
        )
        with self._store.reading() as connection:
            return tuple(msgspec.json.decode(text, type=Lock) for text in connection.execute(query).scalars())

    def end_locks(self, locks: Sequence[Lock], records: Sequence[Record], *, key: str) -> None:
        """End these locks, unless they are another's by now; `key` makes the records once."""

        def write(connection: sa.Connection) -> None:
            for lock in locks:
                _unlock(connection, lock.fleet, (lock.node,), pull=lock.pull)
            _record(connection, key, records)

        self._store.write(write)

    # -- holds ----------------------------------------------------------------------------------------------

    def find_holds(self, fleet: RepoName, base: BranchName, submodule: SubmodulePath) -> tuple[Hold, ...]:
        """Every word on the bumps of one submodule of one base."""
        query = sa.select(HOLDS.c.hold).where(
            HOLDS.c.fleet == fleet.lower(), HOLDS.c.base == base, HOLDS.c.submodule == submodule
        )
        with self._store.reading() as connection:
            return tuple(msgspec.json.decode(text, type=Hold) for text in connection.execute(query).scalars())

    def hold(self, hold: Hold) -> None:
        """Keep a word; a newer one on the same pin replaces it."""
        row = {
            "fleet": hold.fleet.lower(),
            "base": hold.base,
            "submodule": hold.submodule,
            "pin": hold.pin,
            "hold": msgspec.json.encode(hold).decode(),
        }
        self._store.write(lambda connection: connection.execute(_HOLD, row))

    def resume(self, fleet: RepoName, base: BranchName, submodule: SubmodulePath) -> None:
        """Forget the hold of whatever comes."""
        gone = sa.delete(HOLDS).where(
            HOLDS.c.fleet == fleet.lower(), HOLDS.c.base == base, HOLDS.c.submodule == submodule, HOLDS.c.pin == ""
        )
        self._store.write(lambda connection: connection.execute(gone))

    # -- plans ----------------------------------------------------------------------------------------------

    def plan_was_posted(self, repo: RepoName, pull: PullNumber, plan: PlanId) -> None:
        """From now on this is the plan that people see in the pull request."""
        row = {"repo": repo.lower(), "pull": pull, "plan": plan}
        self._store.write(lambda connection: connection.execute(_POSTED, row))

    def posted_plan(self, repo: RepoName, pull: PullNumber) -> PlanId | None:
        """The plan that people see in the pull request now."""
        query = sa.select(POSTED_PLANS.c.plan).where(POSTED_PLANS.c.repo == repo.lower(), POSTED_PLANS.c.pull == pull)
        with self._store.reading() as connection:
            found = connection.execute(query).scalar()
        return PlanId(found) if found else None

    # -- the audit trail ------------------------------------------------------------------------------------

    def record(self, key: str, record: Record) -> None:
        """Append a record; the same `key` again appends nothing."""
        self._store.write(lambda connection: _record(connection, key, (record,)))

    def read_audit(self, fleet: RepoName | None = None) -> Iterator[Record]:
        """Every record, oldest first, of one fleet or of all."""
        query = sa.select(AUDIT.c.record).order_by(AUDIT.c.seq)
        if fleet is not None:
            query = query.where(AUDIT.c.fleet == fleet.lower())
        with self._store.reading() as connection:
            for text in connection.execution_options(yield_per=500).execute(query).scalars():
                yield msgspec.json.decode(text, type=Record)


def bind_plans(looks: tuple[Look, ...], people: People) -> tuple[Look, ...]:
    """Bind each command to the plan that stands in its pull request as it arrives: a later one was never read."""
    return tuple(
        msgspec.structs.replace(look, bound=people.posted_plan(look.fleet, look.number))
        if isinstance(look, RunCommand) and look.number is not None
        else look
        for look in looks
    )


def _take(connection: sa.Connection, lock: Lock, *, now: int) -> None:
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


def _unlock(
    connection: sa.Connection, fleet: RepoName, nodes: Sequence[NodeName], *, pull: PullNumber | None = None
) -> None:
    for node in nodes:
        gone = sa.delete(NODE_LOCKS).where(NODE_LOCKS.c.fleet == fleet.lower(), NODE_LOCKS.c.node == node)
        connection.execute(gone if pull is None else gone.where(NODE_LOCKS.c.pull == pull))


def _record(connection: sa.Connection, key: str, records: Sequence[Record]) -> None:
    for index, record in enumerate(records):
        row = {
            "id": f"{key}:{index}",
            "fleet": record.fleet.lower(),
            "at": now_ms(),
            "record": msgspec.json.encode(record).decode(),
        }
        connection.execute(_KEEP_AUDIT, row)
