"""What was delivered and what is left to look at, as rows. The truth of the queue; the engine only runs it.

A lane is the work of one key, and its turn counts up each time the lane falls idle. The engine admits one drain
per turn, so that nothing of a lane overlaps. Every function here is one transaction; whoever changes a lane
locks its row first, so an arrival is either seen by the drain that is ending or finds the next turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bot.events import Event, Ignored, Ping
from bot.looks import Look
from bot.names import DeliveryId
from bot.store import DELIVERIES, LANES, LOOKS, REPLICAS, Store, now_ms
from bot.values import Value

_READ_AT_ONCE = 2_000  # open looks of one lane considered per claim


class DeliveryState(StrEnum):
    """Where a delivery is."""

    RECEIVED = "received"
    DONE = "done"
    IGNORED = "ignored"
    FAILED = "failed"


class LookState(StrEnum):
    """Where a look is."""

    WAITING = "waiting"
    HELD = "held"  # told to wait until not_before: by GitHub, or after an error
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


_OPEN = (LookState.WAITING, LookState.HELD, LookState.RUNNING)


class Delivery(Value, frozen=True):
    """A webhook that was accepted, and the looks it calls for."""

    guid: DeliveryId
    name: str  # X-GitHub-Event
    event: Event | Ignored
    looks: tuple[Look, ...] = ()


class Wake(Value, frozen=True):
    """The lane `key` has work for its turn `turn`, due at `due` (milliseconds)."""

    key: str
    turn: int
    due: int


class Claimed(Value, frozen=True):
    """Equal looks taken by one drain, to be run once. `attempts` counts this one."""

    run: str
    look: str  # JSON
    deliveries: tuple[DeliveryId, ...]
    attempts: int


class _Open(Value, frozen=True):
    state: str
    made_at: int
    not_before: int


class Burst(Value, frozen=True):
    """How repeated looks are gathered, in milliseconds.

    The first look runs at once. An equal one within `quiet` of the one before waits until none came for
    `quiet`, at most `longest`.
    """

    quiet: int = 1_000
    longest: int = 15_000


def take_in(store: Store, delivery: Delivery, burst: Burst) -> tuple[Wake, ...] | None:
    """Store a delivery with its looks; None when it is known already. The lanes to wake otherwise."""
    event = delivery.event
    state, reason = DeliveryState.RECEIVED, ""
    if isinstance(event, Ignored):
        state, reason = DeliveryState.IGNORED, f"{event.reason}: {event.detail}" if event.detail else event.reason
    elif not delivery.looks:
        state = DeliveryState.DONE if isinstance(event, Ping) else DeliveryState.IGNORED
        reason = "" if isinstance(event, Ping) else "no_fleet_concerned"
    now = now_ms()
    row = {
        "guid": delivery.guid,
        "name": _text(delivery.name),
        "action": _text(getattr(event, "action", "")),
        "event": msgspec.json.encode(event).decode(),
        "state": state,
        "reason": _text(reason),
        "received_at": now,
        "done_at": None if state is DeliveryState.RECEIVED else now,
    }
    with store.writing() as connection:
        insert = _insert(connection, DELIVERIES).values(**row).on_conflict_do_nothing(index_elements=["guid"])
        if connection.execute(insert.returning(DELIVERIES.c.seq)).first() is None:
            return None
        return _add(connection, delivery.guid, delivery.looks, now, burst)


def add_looks(store: Store, looks: Iterable[Look], burst: Burst) -> tuple[Wake, ...]:
    """Store looks that no delivery asked for: a schedule's, a command's. The lanes to wake."""
    with store.writing() as connection:
        return _add(connection, None, tuple(looks), now_ms(), burst)


def claim(store: Store, key: str, turn: int, run: str, burst: Burst) -> Claimed | Wake | None:
    """Take the next due look of lane `key`, with all equal ones, under the name `run` (unique per claim).

    When nothing is due the lane's turn ends, in the same transaction: a Wake says when to come back, None that
    the lane is empty, or that this turn is over already.
    """
    now = now_ms()
    with store.writing() as connection:
        lane = sa.select(LANES.c.turn).where(LANES.c.key == key).with_for_update()
        if connection.execute(lane).scalar() != turn:
            return None
        columns = sa.select(LOOKS.c.look, LOOKS.c.state, LOOKS.c.made_at, LOOKS.c.not_before)
        rows = connection.execute(columns.where(_open_of(key)).order_by(LOOKS.c.seq).limit(_READ_AT_ONCE))
        groups: dict[str, list[_Open]] = {}
        for look, state, made_at, not_before in rows:
            groups.setdefault(look, []).append(_Open(state=state, made_at=made_at, not_before=not_before))
        dues = {look: _due(group, burst) for look, group in groups.items()}
        ready = next((look for look, due in dues.items() if due <= now), None)
        if ready is None:
            for look, group in groups.items():
                if any(row.state == LookState.HELD for row in group):
                    newcomers = sa.and_(_open_of(key), LOOKS.c.look == look, LOOKS.c.state == LookState.WAITING)
                    connection.execute(
                        sa.update(LOOKS).where(newcomers).values(state=LookState.HELD, not_before=dues[look])
                    )
            connection.execute(sa.update(LANES).where(LANES.c.key == key).values(turn=turn + 1))
            return Wake(key=key, turn=turn + 1, due=min(dues.values())) if dues else None
        taken = sa.and_(_open_of(key), LOOKS.c.look == ready)
        connection.execute(
            sa.update(LOOKS)
            .where(taken)
            .values(state=LookState.RUNNING, run=run, attempts=LOOKS.c.attempts + 1, not_before=0)
        )
        mine = connection.execute(sa.select(LOOKS.c.delivery, LOOKS.c.attempts).where(LOOKS.c.run == run)).all()
    return Claimed(
        run=run,
        look=ready,
        deliveries=tuple(dict.fromkeys(row.delivery for row in mine if row.delivery)),
        attempts=max(row.attempts for row in mine),
    )


def finish(store: Store, run: str, *, error: str = "") -> bool:
    """The looks claimed as `run` are done, or failed with `error`; so are deliveries with none left.

    False when another drain has taken them over meanwhile: then stop working on this lane.
    """
    now = now_ms()
    state = LookState.FAILED if error else LookState.DONE
    with store.writing() as connection:
        mine = sa.and_(LOOKS.c.run == run, LOOKS.c.state == LookState.RUNNING)
        # Two lanes that end the last two looks of one delivery have to see each other.
        concerned = DELIVERIES.c.guid.in_(sa.select(LOOKS.c.delivery).where(LOOKS.c.run == run))
        guids = sa.select(DELIVERIES.c.guid).where(concerned).order_by(DELIVERIES.c.guid)
        connection.execute(guids.with_for_update())
        ended = sa.update(LOOKS).where(mine).values(state=state, error=_text(error, 2000), done_at=now)
        if not connection.execute(ended).rowcount:
            return False
        other = LOOKS.alias()
        of_delivery = other.c.delivery == DELIVERIES.c.guid
        connection.execute(
            sa.update(DELIVERIES)
            .where(
                concerned,
                ~sa.exists().where(of_delivery, other.c.state.in_(_OPEN)),
            )
            .values(
                state=sa.case(
                    (sa.exists().where(of_delivery, other.c.state == LookState.FAILED), DeliveryState.FAILED),
                    else_=DeliveryState.DONE,
                ),
                reason=_text(error, 500),
                done_at=now,
            )
        )
    return True


def hold(store: Store, run: str, *, seconds: float, because: str, forget_attempts: bool) -> bool:
    """Put the looks claimed as `run` back, to be run again after `seconds`. False when they were taken over."""
    values: dict[str, object] = {
        "state": LookState.HELD if seconds > 0 else LookState.WAITING,
        "not_before": now_ms() + int(seconds * 1000) if seconds > 0 else 0,
        "error": _text(because, 2000),
        "run": None,
    }
    if forget_attempts:
        values["attempts"] = 0
    with store.writing() as connection:
        mine = sa.and_(LOOKS.c.run == run, LOOKS.c.state == LookState.RUNNING)
        return connection.execute(sa.update(LOOKS).where(mine).values(**values)).rowcount > 0


def end_turn(store: Store, key: str, turn: int) -> None:
    """Let the lane's next turn begin, whoever's `turn` was: its drain ended without saying so, or has to stop."""
    with store.writing() as connection:
        connection.execute(sa.update(LANES).where(LANES.c.key == key, LANES.c.turn == turn).values(turn=turn + 1))


def open_lanes(store: Store) -> tuple[Wake, ...]:
    """Every lane that has work left, and when it is due."""
    query = (
        sa.select(LANES.c.key, LANES.c.turn, sa.func.min(LOOKS.c.not_before))
        .join_from(LOOKS, LANES, LOOKS.c.key == LANES.c.key)
        .where(LOOKS.c.state.in_(_OPEN))
        .group_by(LANES.c.key, LANES.c.turn)
    )
    with store.reading() as connection:
        return tuple(Wake(key=key, turn=turn, due=due) for key, turn, due in connection.execute(query))


def count_open(store: Store) -> dict[str, int]:
    """How many looks are waiting, held and running."""
    query = sa.select(LOOKS.c.state, sa.func.count()).where(LOOKS.c.state.in_(_OPEN)).group_by(LOOKS.c.state)
    with store.reading() as connection:
        found = {state: int(count) for state, count in connection.execute(query)}
    return {state: found.get(state, 0) for state in _OPEN}


def end_all_turns(store: Store) -> None:
    """Let the next turn of every lane with work begin: for the start of the only process there is."""
    with store.writing() as connection:
        busy = sa.select(LOOKS.c.key).where(LOOKS.c.state.in_(_OPEN))
        connection.execute(sa.update(LANES).where(LANES.c.key.in_(busy)).values(turn=LANES.c.turn + 1))


def sign_on(store: Store, replica: str, *, dead_after: float) -> tuple[str, ...]:
    """Say that `replica` is alive; forget those not heard of for `dead_after` seconds, and give their names.

    By the database's clock, for the replicas' own may differ. Each name is given to one caller only.
    """
    with store.writing() as connection:
        now = int(connection.execute(sa.select(sa.func.extract("epoch", sa.func.now()) * 1000)).scalar_one())
        row = _insert(connection, REPLICAS).values(name=replica, seen_at=now)
        connection.execute(row.on_conflict_do_update(index_elements=["name"], set_={"seen_at": now}))
        silent = sa.delete(REPLICAS).where(REPLICAS.c.seen_at < now - int(dead_after * 1000))
        return tuple(connection.execute(silent.returning(REPLICAS.c.name)).scalars())


def sign_off(store: Store, replica: str) -> None:
    """Say that `replica` has stopped: another one takes over what it left at its next sign of life."""
    with store.writing() as connection:
        connection.execute(sa.update(REPLICAS).where(REPLICAS.c.name == replica).values(seen_at=0))


def living(store: Store) -> frozenset[str]:
    """The replicas that signed on and were not given up."""
    with store.reading() as connection:
        return frozenset(connection.execute(sa.select(REPLICAS.c.name)).scalars())


def _add(
    connection: sa.Connection, delivery: DeliveryId | None, looks: Sequence[Look], now: int, burst: Burst
) -> tuple[Wake, ...]:
    wakes = {}
    for key in sorted({look.key for look in looks}):  # one order for all, or two deliveries could wait in a ring
        lane = _insert(connection, LANES).values(key=key, turn=1)
        locked = lane.on_conflict_do_update(index_elements=["key"], set_={"turn": LANES.c.turn})
        turn = connection.execute(locked.returning(LANES.c.turn)).scalar_one()
        due = []
        for look in dict.fromkeys(look for look in looks if look.key == key):
            text = msgspec.json.encode(look).decode()
            same = (LOOKS.c.key == key, LOOKS.c.look == text, LOOKS.c.made_at > now - burst.quiet)
            repeated = connection.execute(sa.select(LOOKS.c.seq).where(*same).limit(1)).first() is not None
            due.append(now + burst.quiet if repeated else now)
            connection.execute(
                sa.insert(LOOKS).values(
                    delivery=delivery,
                    key=key,
                    look=text,
                    state=LookState.WAITING,
                    attempts=0,
                    error="",
                    made_at=now,
                    not_before=due[-1],
                )
            )
        wakes[key] = Wake(key=key, turn=turn, due=min(due))
    return tuple(wakes.values())


def _due(group: Sequence[_Open], burst: Burst) -> int:
    """When equal looks are due: a run covers every one of them that was made before it starts."""
    if any(row.state == LookState.RUNNING for row in group):
        return 0  # left by a drain that died in it
    held = [row.not_before for row in group if row.state == LookState.HELD]
    if held:
        return max(held)  # whoever asked us to wait means the newcomers too
    if any(row.not_before <= row.made_at for row in group):
        return 0
    return min(max(row.not_before for row in group), min(row.made_at for row in group) + burst.longest)


def _open_of(key: str) -> sa.ColumnElement[bool]:
    return sa.and_(LOOKS.c.key == key, LOOKS.c.state.in_(_OPEN))


def _insert(connection: sa.Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def _text(text: str, longest: int = 200) -> str:
    """Text as PostgreSQL takes it, which knows no NUL."""
    return text.replace("\0", "\\0")[:longest]
