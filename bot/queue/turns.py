"""Keep which replica runs which turn of a lane, and find the lanes that have work.

A lane's turn counts up each time the lane falls idle. One drain runs a turn: it runs the lane's due jobs until there
are none. Its row in `drains` is written by its first claim and deleted with the end of the turn, both under the lock
of the lane's row, so that nothing of a lane overlaps, over all replicas.
"""

from __future__ import annotations

import sqlalchemy as sa

from bot.domain.values import Value
from bot.queue import former_engine
from bot.storage.store import Store

_LOCK_OR_MAKE_LANE = sa.text(
    "INSERT INTO lanes (key, turn) VALUES (:key, 1) ON CONFLICT (key) DO UPDATE SET turn = lanes.turn RETURNING turn"
)
# A row of another turn is left over: an earlier version, which does not know the table, has ended its turn.
_BEGIN = sa.text(
    "INSERT INTO drains (key, turn, replica) VALUES (:key, :turn, :replica) "
    "ON CONFLICT (key) DO UPDATE SET turn = :turn, replica = :replica "
    "WHERE drains.turn <> :turn OR drains.replica = :replica RETURNING turn"
)
_END = sa.text("DELETE FROM drains WHERE key = :key AND turn = :turn")
_NEXT_TURN = sa.text("UPDATE lanes SET turn = turn + 1 WHERE key = :key AND turn = :turn")
_END_ALL = sa.text("DELETE FROM drains")
_NEXT_TURNS = sa.text("UPDATE lanes SET turn = turn + 1 WHERE key IN (SELECT key FROM looks WHERE done_at IS NULL)")
_OPEN_LANES = sa.text(
    "SELECT lanes.key, lanes.turn, min(not_before), drains.replica "
    "FROM looks JOIN lanes ON lanes.key = looks.key "
    "LEFT JOIN drains ON drains.key = lanes.key AND drains.turn = lanes.turn "
    "WHERE done_at IS NULL GROUP BY lanes.key, lanes.turn, drains.replica"
)


class Drain(Value, frozen=True):
    """The run through the due jobs of lane `key` in its turn `turn`, by one replica."""

    key: str
    turn: int
    replica: str
    beside_dbos: bool = False  # replicas of the version that ran drains by DBOS may be on this database


class OpenLane(Value, frozen=True):
    """A lane that has work left, due at `due` (milliseconds); `replica` runs it, None when nobody does."""

    key: str
    turn: int
    due: int
    replica: str | None


def lock_lane(connection: sa.Connection, key: str) -> int:
    """Make the lane if there is none, lock its row until the transaction ends, and give its turn."""
    return int(connection.execute(_LOCK_OR_MAKE_LANE, {"key": key}).scalar_one())


def begin(connection: sa.Connection, drain: Drain) -> bool:
    """Whether this drain runs the lane's turn, from now on or already; the lane must be locked."""
    if lock_lane(connection, drain.key) != drain.turn:
        return False
    if drain.beside_dbos and not former_engine.begin(connection, drain.key, drain.turn, drain.replica):
        return False
    row = {"key": drain.key, "turn": drain.turn, "replica": drain.replica}
    return connection.execute(_BEGIN, row).first() is not None


def end(connection: sa.Connection, drain: Drain) -> None:
    """Let the lane's next turn begin, whichever replica ran this one."""
    row = {"key": drain.key, "turn": drain.turn}
    connection.execute(_NEXT_TURN, row)
    connection.execute(_END, row)
    if drain.beside_dbos:
        former_engine.end(connection, drain.key, drain.turn)


def end_turn(store: Store, drain: Drain) -> None:
    """The same in a transaction of its own: the drain ended without saying so, or has to stop."""
    store.write(lambda connection: end(connection, drain))


def end_all_turns(store: Store) -> None:
    """Let the next turn of every lane with work begin: for the start of the only process there is."""

    def write(connection: sa.Connection) -> None:
        connection.execute(_NEXT_TURNS)
        connection.execute(_END_ALL)

    store.write(write)


def open_lanes(store: Store, *, beside_dbos: bool = False) -> tuple[OpenLane, ...]:
    """Every lane that has work left."""
    with store.reading() as connection:
        found = tuple(
            OpenLane(key=key, turn=turn, due=due, replica=replica)
            for key, turn, due, replica in connection.execute(_OPEN_LANES)
        )
        if not beside_dbos:
            return found
        theirs = former_engine.find_runners(connection, [(lane.key, lane.turn) for lane in found])
    return tuple(
        OpenLane(
            key=lane.key, turn=lane.turn, due=lane.due, replica=lane.replica or theirs.get((lane.key, lane.turn))
        )
        for lane in found
    )
