"""Store the sessions of people who signed in, and machines' tokens. Of their secrets only hashes are kept."""

from __future__ import annotations

import hashlib
import secrets
from typing import NamedTuple

import sqlalchemy as sa

from bot.domain.names import RepoName
from bot.features.visitors.facts import Person
from bot.storage.store import DAY_MS, PASSING, Store, now_ms

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

TOKEN_PREFIX = "aiosbot_"  # noqa: S105 - how tokens begin, so that a token that leaks is recognised
TOKENS = sa.Table(
    "machine_tokens",
    TABLES,
    sa.Column("hash", sa.Text, primary_key=True),  # SHA-256 of the token
    sa.Column("id", sa.Text, nullable=False, unique=True),  # by which an operator revokes it
    sa.Column("fleet", sa.Text, nullable=False),  # lower case
    sa.Column("about", sa.Text, nullable=False),  # as the operator wrote it
    sa.Column("made_at", sa.BigInteger, nullable=False),  # milliseconds since 1970
    sa.Column("ends_at", sa.BigInteger, nullable=False),
)


class MachineToken(NamedTuple):
    """What is known of a token. `ends_at`: milliseconds since 1970."""

    id: str
    fleet: str
    about: str
    ends_at: int


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


class TokenStore:
    """Tokens of machines, each for one fleet, in the bot's database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, fleet: RepoName, about: str, *, days: int) -> str:
        """A new token that ends in `days` days. It is shown once: only its hash is kept."""
        token, now = TOKEN_PREFIX + secrets.token_urlsafe(SECRET_BYTES), now_ms()
        row = {
            "hash": hash_secret(token),
            "id": secrets.token_hex(4),
            "fleet": fleet.lower(),
            "about": about,
            "made_at": now,
            "ends_at": now + days * DAY_MS,
        }
        self._store.write(lambda connection: connection.execute(sa.insert(TOKENS), row))
        return token

    def find_fleet(self, token: str) -> str | None:
        """The fleet that a token is for, in lower case; None when it is none, was revoked, or has ended."""
        if not token.startswith(TOKEN_PREFIX):
            return None
        query = sa.select(TOKENS.c.fleet).where(TOKENS.c.hash == hash_secret(token), TOKENS.c.ends_at > now_ms())
        with self._store.reading() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else str(found)

    def list(self) -> tuple[MachineToken, ...]:
        """Every token that was not revoked, also those that ended, oldest first."""
        query = sa.select(TOKENS).order_by(TOKENS.c.made_at)
        with self._store.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return tuple(MachineToken(row["id"], row["fleet"], row["about"], row["ends_at"]) for row in rows)

    def revoke(self, number: str) -> bool:
        """Remove the token with this id; False when there is none."""
        gone = sa.delete(TOKENS).where(TOKENS.c.id == number)
        return self._store.write(lambda connection: connection.execute(gone).rowcount > 0)
