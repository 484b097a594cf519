"""Store conditions until people were notified of them, and of their end.

One row for each thing of a scope. A condition that ended before anybody was notified of it leaves nothing behind.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress

import msgspec
import sqlalchemy as sa

from bot.domain.names import RepoName
from bot.domain.notices import Topic
from bot.features.outbox.facts import Condition, Notice, OpenNotice, Phase
from bot.storage.store import BIG, Store

TABLES = sa.MetaData()
NOTICES = sa.Table(
    "notices",
    TABLES,
    sa.Column("seq", BIG, primary_key=True, autoincrement=True),
    sa.Column("fleet", sa.Text, nullable=False),  # lower case; "": the whole service
    sa.Column("scope", sa.Text, nullable=False),  # the conditions that are known together
    sa.Column("thing", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("notice", sa.Text, nullable=False),  # Notice as JSON
    sa.Column("opened_at", sa.BigInteger, nullable=False),  # seconds since the epoch, like all times here
    sa.Column("due_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
    sa.UniqueConstraint("fleet", "scope", "thing"),
    sqlite_autoincrement=True,  # the number of a row that was removed while a message is sent never comes again
)
NOTICES_SENT = sa.Table(
    "notices_sent",
    TABLES,
    sa.Column("notice", sa.BigInteger, primary_key=True),
    sa.Column("target", sa.Text, primary_key=True),  # a digest of the address
    sa.Column("phase", sa.Text, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),  # 0: sending has begun, and how it ended is not known yet
)
NOTICE_MUTES = sa.Table(
    "notice_mutes",  # of a thing, so that one that ends and begins again, or changes, stays muted
    TABLES,
    sa.Column("fleet", sa.Text, primary_key=True),
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("thing", sa.Text, primary_key=True),
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.Column("muted_by", sa.Text, nullable=False),  # a login
)
_NOTE = sa.text(
    "INSERT INTO notices_sent (notice, target, phase, at) "
    "SELECT seq, :target, :phase, :at FROM notices WHERE seq = :notice "
    "ON CONFLICT (notice, target, phase) DO UPDATE SET at = :at"
)
_SETTLE = sa.text(
    "UPDATE notices_sent SET at = :at WHERE notice = :notice AND target = :target AND phase = :phase AND at = 0"
)


class Outbox:
    """The conditions of all fleets, in the bot's database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def replace(
        self,
        fleet: RepoName | None,
        scope: str,
        conditions: Sequence[Condition],
        *,
        now: int,
        keep: Iterable[str] = (),
    ) -> None:
        """From now on the conditions of `scope` are exactly these; `keep`: things of which nothing new is known."""
        self._store.write(
            lambda connection: replace_conditions(connection, fleet, scope, conditions, now=now, keep=keep)
        )

    def find_all(self) -> tuple[OpenNotice, ...]:
        """Every condition that is open, or whose end may have to be sent, oldest first."""
        with self._store.reading() as connection:
            rows = connection.execute(sa.select(NOTICES).order_by(NOTICES.c.seq)).mappings().all()
            sent = connection.execute(sa.select(NOTICES_SENT)).mappings().all() if rows else []
            mutes = connection.execute(sa.select(NOTICE_MUTES)).mappings().all() if rows else []
        muted = {(one["fleet"], one["scope"], one["thing"]): one["until"] for one in mutes}
        phases: dict[tuple[int, bool], list[tuple[str, Phase]]] = defaultdict(list)
        for row in sent:
            phases[row["notice"], bool(row["at"])].append((row["target"], Phase(row["phase"])))
        found = []
        for row in rows:
            # One that a newer version wrote and this one cannot read is that version's to send.
            with suppress(msgspec.ValidationError):
                notice = msgspec.json.decode(row["notice"], type=Notice)
                found.append(
                    OpenNotice(
                        seq=row["seq"],
                        scope=row["scope"],
                        notice=notice,
                        opened_at=row["opened_at"],
                        due_at=row["due_at"],
                        ended_at=row["ended_at"],
                        muted_until=muted.get((row["fleet"], row["scope"], row["thing"]), 0),
                        sent=tuple(phases[row["seq"], True]),
                        unsure=tuple(phases[row["seq"], False]),
                    )
                )
        return tuple(found)

    def find_scopes(self, fleet: RepoName) -> tuple[str, ...]:
        """The scopes in which conditions of `fleet` are stored."""
        query = sa.select(NOTICES.c.scope).where(NOTICES.c.fleet == fleet.lower()).distinct()
        with self._store.reading() as connection:
            return tuple(connection.execute(query).scalars())

    def count_open(self, *, now: int) -> dict[Topic, int]:
        """How many conditions of each topic are open and due."""
        things = sa.select(NOTICES.c.thing).where(NOTICES.c.ended_at.is_(None), NOTICES.c.due_at <= now)
        with self._store.reading() as connection:
            found = Counter(thing.partition(" ")[0] for thing in connection.execute(things).scalars())
        return {topic: found[topic.value] for topic in Topic}

    def begin(self, target: str, phases: Iterable[tuple[int, Phase]]) -> None:
        """Note that sending these to `target` begins: what ends meanwhile is kept, to be sent as over."""
        self._write(_NOTE, target, phases, at=0)

    def settle(self, target: str, phases: Iterable[tuple[int, Phase]], *, now: int) -> None:
        """Note at once that what was begun was sent to `target`.

        A condition that changed meanwhile is still to be sent.
        """
        rows = _rows(target, phases, at=now)
        self._store.write_unsynced(lambda connection: connection.execute(_SETTLE, rows))

    def give_up(self, target: str, phases: Iterable[tuple[int, Phase]], *, now: int) -> None:
        """Note that these are not sent to `target`."""
        self._write(_NOTE, target, phases, at=now)

    def undo(self, target: str, phases: Iterable[tuple[int, Phase]]) -> None:
        """Note that these could not be sent to `target`."""

        def write(connection: sa.Connection) -> None:
            for seq, phase in phases:
                sent = (NOTICES_SENT.c.notice == seq, NOTICES_SENT.c.target == target, NOTICES_SENT.c.phase == phase)
                connection.execute(sa.delete(NOTICES_SENT).where(*sent, NOTICES_SENT.c.at == 0))

        self._store.write(write)

    def _write(self, sql: sa.TextClause, target: str, phases: Iterable[tuple[int, Phase]], *, at: int) -> None:
        rows = _rows(target, phases, at=at)
        if rows:
            self._store.write(lambda connection: connection.execute(sql, rows))

    def forget(self, seqs: Iterable[int]) -> None:
        """Remove these, whatever was sent of them."""
        gone = tuple(seqs)
        if gone:
            self._store.write(lambda connection: _remove(connection, gone))


def _rows(target: str, phases: Iterable[tuple[int, Phase]], *, at: int) -> list[dict[str, int | str]]:
    return [{"notice": seq, "target": target, "phase": phase, "at": at} for seq, phase in phases]


def replace_conditions(
    connection: sa.Connection,
    fleet: RepoName | None,
    scope: str,
    conditions: Sequence[Condition],
    *,
    now: int,
    keep: Iterable[str] = (),
) -> None:
    """Do the same inside the caller's transaction."""
    name, kept = (fleet or "").lower(), frozenset(keep)
    wanted = {one.thing: one for one in conditions}
    query = sa.select(NOTICES).where(NOTICES.c.fleet == name, NOTICES.c.scope == scope)
    for row in connection.execute(query).mappings().all():
        condition = wanted.pop(row["thing"], None)
        if condition is None:
            if row["thing"] not in kept and row["ended_at"] is None:
                _end(connection, row["seq"], now=now)
        elif condition.state != row["state"] or _is_sent_as_over(connection, row["seq"]):
            _remove(connection, (row["seq"],))
            wanted[condition.thing] = condition
        elif row["ended_at"] is not None or _columns(condition) != {n: row[n] for n in ("notice", "due_at")}:
            again = sa.update(NOTICES).where(NOTICES.c.seq == row["seq"])
            connection.execute(again.values(ended_at=None, **_columns(condition)))
    for thing, condition in wanted.items():
        row_of_it = {"fleet": name, "scope": scope, "thing": thing, "state": condition.state, "opened_at": now}
        connection.execute(sa.insert(NOTICES), {**row_of_it, **_columns(condition)})


def mute_notice(
    connection: sa.Connection, fleet: RepoName, seq: int, *, by: str, until: int, now: int
) -> Notice | None:
    """Mute what open notice `seq` of `fleet` is about until `until`, or no more where that is past; None for none.

    Mutes that are over are removed.
    """
    connection.execute(sa.delete(NOTICE_MUTES).where(NOTICE_MUTES.c.until <= now))
    query = sa.select(NOTICES).where(NOTICES.c.seq == seq, NOTICES.c.fleet == fleet.lower())
    row = connection.execute(query.where(NOTICES.c.ended_at.is_(None))).mappings().one_or_none()
    if row is None:
        return None
    about = {name: row[name] for name in ("fleet", "scope", "thing")}
    connection.execute(sa.delete(NOTICE_MUTES).where(*(NOTICE_MUTES.c[name] == about[name] for name in about)))
    if until > now:
        connection.execute(sa.insert(NOTICE_MUTES), {**about, "until": until, "muted_by": by})
    return msgspec.json.decode(row["notice"], type=Notice)


def _columns(condition: Condition) -> dict[str, str | int]:
    return {"notice": msgspec.json.encode(condition.notice).decode(), "due_at": condition.due_at}


def _end(connection: sa.Connection, seq: int, *, now: int) -> None:
    begun = sa.select(sa.func.count()).where(NOTICES_SENT.c.notice == seq, NOTICES_SENT.c.phase == Phase.BEGUN)
    if connection.execute(begun).scalar_one():
        connection.execute(sa.update(NOTICES).where(NOTICES.c.seq == seq).values(ended_at=now))
    else:
        _remove(connection, (seq,))


def _is_sent_as_over(connection: sa.Connection, seq: int) -> bool:
    over = sa.select(sa.func.count()).where(NOTICES_SENT.c.notice == seq, NOTICES_SENT.c.phase == Phase.OVER)
    return bool(connection.execute(over).scalar_one())


def _remove(connection: sa.Connection, seqs: Sequence[int]) -> None:
    connection.execute(sa.delete(NOTICES_SENT).where(NOTICES_SENT.c.notice.in_(seqs)))
    connection.execute(sa.delete(NOTICES).where(NOTICES.c.seq.in_(seqs)))
