"""Remove what belongs to a fleet, or give it the fleet's new name, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import sqlalchemy as sa


def drop_rows(connection: sa.Connection, names: Iterable[sa.Column[str]], fleet: str) -> None:
    """Remove the rows of a fleet, from the table of each of these columns that name it."""
    for name in names:
        connection.execute(sa.delete(name.table).where(name == fleet.lower()))


def move_rows(connection: sa.Connection, names: Iterable[sa.Column[str]], before: str, now: str) -> None:
    """Have the rows of the fleet `before` be those of `now`."""
    for name in names:
        connection.execute(sa.update(name.table).where(name == before.lower()).values({name: now.lower()}))


def rewrite_rows(
    connection: sa.Connection, name: sa.Column[str], text: sa.Column[str], fleet: str, change: Callable[[str], str]
) -> None:
    """Change the text that each row of a fleet keeps in the column `text`."""
    found = connection.execute(sa.select(text).where(name == fleet.lower())).scalars().all()
    for one in found:
        own = (name == fleet.lower(), text == one)
        connection.execute(sa.update(name.table).where(*own).values({text: change(one)}))
