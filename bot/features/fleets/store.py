"""Store which fleet pins which repository: the index that turns an event into jobs."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from contextlib import suppress

import msgspec
import sqlalchemy as sa

from bot.domain.names import CommitSha, InstallationId, RepoName
from bot.features.fleets.facts import Pinned
from bot.storage.store import Store, read_note, write_note

TABLES = sa.MetaData()
PINS = sa.Table(
    "pins",
    TABLES,
    sa.Column("fleet", sa.Text, primary_key=True),
    sa.Column("base", sa.Text, primary_key=True),
    sa.Column("submodule", sa.Text, primary_key=True),
    sa.Column("pin", sa.Text, nullable=False),  # bot.features.fleets.facts.Pinned as JSON
)
_VERSION = "pins_version"
COMMITS_KEPT = 20  # of our own, per hub


class Pins:
    """All pins as they were at one moment; a bot.features.fleets.facts.PinIndex."""

    def __init__(self, rows: Sequence[Pinned] = ()) -> None:
        self._by_upstream: dict[str, tuple[Pinned, ...]] = {}
        self._by_fleet: dict[str, tuple[Pinned, ...]] = {}
        self._by_hub: dict[str, tuple[Pinned, ...]] = {}
        self._rows = tuple(rows)
        for row in rows:
            # GitHub treats names that differ only in case as the same repository.
            for index, name in ((self._by_upstream, row.upstream), (self._by_fleet, row.fleet)):
                index[name.lower()] = (*index.get(name.lower(), ()), row)
            for hub in {name.lower() for name in (row.hub, row.listed_by) if name is not None}:
                self._by_hub[hub] = (*self._by_hub.get(hub, ()), row)

    def rows(self) -> tuple[Pinned, ...]:
        """Every pin of every fleet."""
        return self._rows

    def installations(self) -> frozenset[InstallationId]:
        """Every installation that has a fleet."""
        return frozenset(row.installation for row in self._rows)

    def fleets_of(self, installation: InstallationId) -> tuple[RepoName, ...]:
        """The fleets of one installation."""
        rows = (row for rows in self._by_fleet.values() for row in rows)
        return tuple(dict.fromkeys(row.fleet for row in rows if row.installation == installation))

    def pinned_by(self, upstream: RepoName) -> tuple[Pinned, ...]:
        """Every pin that points at `upstream`, over all fleets."""
        return self._by_upstream.get(upstream.lower(), ())

    def pins_of(self, fleet: RepoName) -> tuple[Pinned, ...]:
        """Every pin that `fleet` holds; empty when the repository is not a fleet."""
        return self._by_fleet.get(fleet.lower(), ())

    def pins_shown_by(self, hub: RepoName) -> tuple[Pinned, ...]:
        """Every pin of the fleets that name `hub`, or that its own file lists."""
        return self._by_hub.get(hub.lower(), ())


class PinStore:
    """The index in the database. Reading it is one small query while nothing changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cached: tuple[str, Pins] = ("", Pins())

    def snapshot(self) -> Pins:
        """The index as last written by any replica."""
        with self._store.reading() as connection:
            version = read_note(connection, _VERSION)
            if version != self._cached[0]:
                self._cached = (version, Pins(_read_pins(connection)))
        return self._cached[1]

    def pinned_by(self, upstream: RepoName) -> tuple[Pinned, ...]:
        """Every pin that points at `upstream`, over all fleets."""
        return self.snapshot().pinned_by(upstream)

    def pins_of(self, fleet: RepoName) -> tuple[Pinned, ...]:
        """Every pin that `fleet` holds."""
        return self.snapshot().pins_of(fleet)

    def pins_shown_by(self, hub: RepoName) -> tuple[Pinned, ...]:
        """Every pin of the fleets that `hub` shows."""
        return self.snapshot().pins_shown_by(hub)

    def keep_fleets(self, installation: InstallationId, fleets: Collection[RepoName]) -> None:
        """From now on `installation` has no fleets but these: the others are gone, or no longer the App's to see."""
        kept = {fleet.lower() for fleet in fleets}
        for fleet in self.snapshot().fleets_of(installation):
            if fleet.lower() not in kept:
                self.replace_pins(fleet, ())

    def find_identity(self, fleet: RepoName) -> int:
        """The id of the repository that what is stored under this name belongs to; 0 where that was never noted."""
        return int(self._store.read_note(f"repository_of:{fleet.lower()}") or 0)

    def find_name(self, identity: int) -> RepoName | None:
        """The name under which is stored what belongs to the repository with this id."""
        found = self._store.read_note(f"name_of:{identity}")
        return RepoName(found) if found else None

    def note_identity(self, fleet: RepoName, identity: int) -> None:
        """From now on what is stored under this name belongs to the repository with this id."""
        self._store.write(lambda connection: note_identity(connection, fleet, identity))

    def find_access_report(self, fleet: RepoName) -> str:
        """The commit and the digest of what was last reported about missing access; "" when nothing is missing."""
        return self._store.read_note(f"access_told:{fleet.lower()}")

    def save_access_report(self, fleet: RepoName, report: str) -> None:
        """Keep what was reported."""
        self._store.write_note(f"access_told:{fleet.lower()}", report)

    def find_pushed_documents(self, hub: RepoName) -> tuple[CommitSha, ...]:
        """The newest commits that we pushed for the hub's documents, newest first."""
        return tuple(CommitSha(sha) for sha in self._store.read_note(f"documents:{hub.lower()}").split())

    def note_pushed_documents(self, hub: RepoName, head: CommitSha) -> None:
        """Remember, before it is pushed, that `head` is a commit of ours."""
        known = (head, *self.find_pushed_documents(hub))
        self._store.write_note(f"documents:{hub.lower()}", " ".join(known[:COMMITS_KEPT]))

    def replace_pins(self, fleet: RepoName, rows: Sequence[Pinned]) -> None:
        """From now on `fleet` holds exactly these pins; none means that it is not a fleet any more."""
        if tuple(rows) == self.pins_of(fleet):
            return

        def write(connection: sa.Connection) -> None:
            connection.execute(sa.delete(PINS).where(sa.func.lower(PINS.c.fleet) == fleet.lower()))
            if rows:
                connection.execute(sa.insert(PINS), [_row_of(pin) for pin in rows])
            write_note(connection, _VERSION, uuid.uuid4().hex)

        self._store.write(write)


def note_identity(connection: sa.Connection, fleet: RepoName, identity: int) -> None:
    """The same inside the caller's transaction."""
    write_note(connection, f"repository_of:{fleet.lower()}", str(identity))
    write_note(connection, f"name_of:{identity}", fleet)


def _row_of(pin: Pinned) -> dict[str, str]:
    return {
        "fleet": pin.fleet,
        "base": pin.base,
        "submodule": pin.submodule,
        "pin": msgspec.json.encode(pin).decode(),
    }


def _read_pins(connection: sa.Connection) -> list[Pinned]:
    """Every stored pin. One that cannot be read any more is left out: fleets are read again at every start."""
    pins = []
    for (text,) in connection.execute(sa.select(PINS.c.pin).order_by(PINS.c.fleet, PINS.c.base, PINS.c.submodule)):
        with suppress(msgspec.ValidationError):
            pins.append(msgspec.json.decode(text, type=Pinned))
    return pins
