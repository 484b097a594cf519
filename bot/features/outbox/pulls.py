"""Store which pull requests of a fleet wait for a person: one row each, for the pages."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
import sqlalchemy as sa

from bot.domain.names import PullNumber, RepoName
from bot.domain.values import Value
from bot.features.outbox.facts import Notice, WaitingPull
from bot.features.outbox.store import NOTICE_MUTES, NOTICES
from bot.storage.store import Store

TABLES = sa.MetaData()
WAITING_PULLS = sa.Table(
    "waiting_pulls",
    TABLES,
    sa.Column("fleet", sa.Text, primary_key=True),  # lower case
    sa.Column("pull", sa.BigInteger, primary_key=True),
    sa.Column("since", sa.BigInteger, nullable=False),  # seconds since the epoch
    sa.Column("record", sa.Text, nullable=False),  # WaitingPull as JSON
)
_SAVE = sa.text(
    "INSERT INTO waiting_pulls (fleet, pull, since, record) VALUES (:fleet, :pull, :since, :record) "
    "ON CONFLICT (fleet, pull) DO UPDATE SET since = excluded.since, record = excluded.record"
)


class ShownNotice(Value, frozen=True):
    """An open condition. Times are in seconds since the epoch; `muted_until` 0: it is not muted."""

    number: int
    notice: Notice
    since: int
    muted_until: int = 0
    muted_by: str = ""


class FleetWaits(Value, frozen=True):
    """What is open in a fleet: pull requests that wait, oldest first, and conditions that people are notified of."""

    pulls: tuple[WaitingPull, ...]
    notices: tuple[ShownNotice, ...]


def _find_open() -> sa.CompoundSelect[Any]:
    """Pull requests and notices of `fleet` that are due at `now`."""
    pulls = sa.select(
        sa.literal("pull").label("what"),
        WAITING_PULLS.c.pull.label("number"),
        WAITING_PULLS.c.since.label("since"),
        WAITING_PULLS.c.record.label("record"),
        sa.literal(0).label("until"),
        sa.literal("").label("muted_by"),
    ).where(WAITING_PULLS.c.fleet == sa.bindparam("fleet"))
    muted = sa.and_(
        *(NOTICE_MUTES.c[name] == NOTICES.c[name] for name in ("fleet", "scope", "thing")),
        NOTICE_MUTES.c.until > sa.bindparam("now"),
    )
    notices = (
        sa.select(
            *(sa.literal("notice"), NOTICES.c.seq, NOTICES.c.opened_at, NOTICES.c.notice),
            *(sa.func.coalesce(NOTICE_MUTES.c.until, 0), sa.func.coalesce(NOTICE_MUTES.c.muted_by, "")),
        )
        .select_from(NOTICES.outerjoin(NOTICE_MUTES, muted))
        .where(
            NOTICES.c.fleet == sa.bindparam("fleet"),
            NOTICES.c.ended_at.is_(None),
            NOTICES.c.due_at <= sa.bindparam("now"),
        )
    )
    return sa.union_all(pulls, notices).order_by("since", "number")


_FIND = _find_open()  # made once: it takes longer to make than to run


class WaitingPulls:
    """The pull requests of all fleets that wait for a person, in the bot's database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def save(self, fleet: RepoName, pull: WaitingPull) -> None:
        """From now on it waits so."""
        row = {
            "fleet": fleet.lower(),
            "pull": pull.number,
            "since": pull.since,
            "record": msgspec.json.encode(pull).decode(),
        }
        self._store.write(lambda connection: connection.execute(_SAVE, row))

    def put(self, fleet: RepoName, number: PullNumber, pull: WaitingPull | None) -> None:
        """From now on it waits so, or, when there is none, no more."""
        if pull is None:
            self.remove(fleet, number)
        else:
            self.save(fleet, pull)

    def remove(self, fleet: RepoName, number: PullNumber) -> None:
        """It waits no more."""
        gone = sa.delete(WAITING_PULLS).where(WAITING_PULLS.c.fleet == fleet.lower(), WAITING_PULLS.c.pull == number)
        self._store.write(lambda connection: connection.execute(gone))

    def keep_only(self, fleet: RepoName, numbers: Collection[PullNumber]) -> None:
        """None waits but those of `numbers` that do."""
        gone = sa.delete(WAITING_PULLS).where(
            WAITING_PULLS.c.fleet == fleet.lower(), WAITING_PULLS.c.pull.not_in(list(numbers))
        )
        self._store.write(lambda connection: connection.execute(gone))

    def count(self) -> dict[str, int]:
        """How many wait in each fleet, by its name in lower case."""
        query = sa.select(WAITING_PULLS.c.fleet, sa.func.count()).group_by(WAITING_PULLS.c.fleet)
        with self._store.reading() as connection:
            return {str(fleet): int(number) for fleet, number in connection.execute(query)}

    def find(self, fleet: RepoName, *, now: int) -> FleetWaits:
        """What is open in `fleet` and due at `now` (seconds since the epoch). One query."""
        with self._store.reading() as connection:
            rows = connection.execute(_FIND, {"fleet": fleet.lower(), "now": now}).all()
        return FleetWaits(
            pulls=tuple(msgspec.json.decode(row.record, type=WaitingPull) for row in rows if row.what == "pull"),
            notices=tuple(
                ShownNotice(
                    number=row.number,
                    notice=msgspec.json.decode(row.record, type=Notice),
                    since=row.since,
                    muted_until=row.until,
                    muted_by=row.muted_by,
                )
                for row in rows
                if row.what == "notice"
            ),
        )
