"""Keep which replicas of the service are alive, on PostgreSQL."""

from __future__ import annotations

import sqlalchemy as sa

from bot.storage.store import Store

_SIGN_ON = sa.text(
    "INSERT INTO replicas (name, seen_at) VALUES (:name, :now) ON CONFLICT (name) DO UPDATE SET seen_at = :now"
)
_FORGET_SILENT = sa.text("DELETE FROM replicas WHERE seen_at < :since RETURNING name")
_SIGN_OFF = sa.text("UPDATE replicas SET seen_at = 0 WHERE name = :name")


def sign_on(store: Store, replica: str, *, dead_after: float) -> tuple[str, ...]:
    """Say that `replica` is alive; forget those not heard of for `dead_after` seconds, and give their names.

    By the database's clock, for the replicas' own may differ. Each name is given to one caller only.
    """

    def write(connection: sa.Connection) -> tuple[str, ...]:
        now = int(connection.execute(sa.text("SELECT extract(epoch FROM now()) * 1000")).scalar_one())
        connection.execute(_SIGN_ON, {"name": replica, "now": now})
        return tuple(connection.execute(_FORGET_SILENT, {"since": now - int(dead_after * 1000)}).scalars())

    return store.write(write)


def sign_off(store: Store, replica: str) -> None:
    """Say that `replica` has stopped: another one takes over what it left at its next sign of life."""
    store.write(lambda connection: connection.execute(_SIGN_OFF, {"name": replica}))


def living(store: Store) -> frozenset[str]:
    """The replicas that signed on and were not given up."""
    with store.reading() as connection:
        return frozenset(connection.execute(sa.text("SELECT name FROM replicas")).scalars())
