"""Store the sessions of people who signed in. Of a session's secret only the hash is kept."""

from __future__ import annotations

import hashlib
import secrets

import sqlalchemy as sa

from bot.features.visitors.facts import Person
from bot.storage.store import PASSING, Store, now_ms

SECRET_BYTES = 32
LASTS_MS = 8 * 3_600_000  # a session; GitHub's own token of a user lasts as long

TABLES = sa.MetaData()
SESSIONS = sa.Table(
    "sessions",
    TABLES,
    sa.Column("hash", sa.Text, primary_key=True),  # SHA-256 of the secret in the person's cookie
    sa.Column("person", sa.BigInteger, nullable=False),  # GitHub's number of the account
    sa.Column("login", sa.Text, nullable=False),
    sa.Column("ends_at", sa.BigInteger, nullable=False),  # milliseconds since 1970
    sa.Index("sessions_by_person", "person"),
    info=PASSING,
)


def hash_secret(secret: str) -> str:
    """What is kept of a secret of high entropy."""
    return hashlib.sha256(secret.encode()).hexdigest()


class SessionStore:
    """The open sessions, in the bot's database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def open(self, person: Person) -> str:
        """The secret of a new session, for the person's cookie alone. Sessions that ended are removed."""
        secret, now = secrets.token_urlsafe(SECRET_BYTES), now_ms()
        row = {"hash": hash_secret(secret), "person": person.id, "login": person.login, "ends_at": now + LASTS_MS}

        def write(connection: sa.Connection) -> None:
            connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.ends_at <= now))
            connection.execute(sa.insert(SESSIONS), row)

        self._store.write(write)
        return secret

    def find(self, secret: str) -> Person | None:
        """Whose session it is; None when it never was one, or has ended."""
        query = sa.select(SESSIONS.c.person, SESSIONS.c.login).where(
            SESSIONS.c.hash == hash_secret(secret), SESSIONS.c.ends_at > now_ms()
        )
        with self._store.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else Person(id=row.person, login=row.login)

    def end(self, secret: str) -> None:
        """End one session."""
        gone = sa.delete(SESSIONS).where(SESSIONS.c.hash == hash_secret(secret))
        self._store.write(lambda connection: connection.execute(gone))

    def end_all(self, person: int) -> None:
        """End every session of the account with this number."""
        gone = sa.delete(SESSIONS).where(SESSIONS.c.person == person)
        self._store.write(lambda connection: connection.execute(gone))
