"""A rolling upgrade: one replica after the other gives way to the next version, while people push and merge.

The next version is this one with one step more of the database's shape, as most versions will bring one, and with
one field more, which is set, in every value that it stores or sends.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from sandbox.github import Fault
from sandbox.service import free_port
from tests.acceptance.outside import eventually
from tests.faults.flows import flows, in_background
from tests.faults.test_github_misbehaves import is_the_bots
from tests.integration.postgres import make_database, postgres_server
from tests.upgrade import versions

STEP = """
def _add_note(connection: sa.Connection) -> None:
    connection.execute(sa.text("ALTER TABLE deliveries ADD COLUMN note TEXT NOT NULL DEFAULT ''"))


STEPS: tuple[Step, ...] = (_add_note,)
"""


@contextmanager
def next_version() -> Iterator[Path]:
    """A folder with the program as the next version has it."""
    with versions.next_version() as program:
        file = program / "bot/storage/migrations.py"
        before, found, after = file.read_text().partition("STEPS: tuple[Step, ...] = ()\n")
        assert found
        file.write_text(before + STEP + after)
        yield program


def test_a_rolling_upgrade_finishes_what_was_started() -> None:
    with postgres_server() as server, next_version() as program:
        database = make_database(server, "bot")
        with flows(database) as world:
            ports = [0, free_port(), free_port()]
            old = [world.start(port=port) for port in ports]
            people, problems = in_background(lambda: world.push_and_merge(4))
            for service, port in zip(old, ports, strict=True):
                time.sleep(2)
                world.end(service)
                world.start(port=port, program=program)
            people.join()
            assert problems == []
            world.settle()
            line = world.check()
        assert _schema(database) == "2"
        print(f"\nthree replicas, each upgraded while people worked: {line}")


def test_what_an_old_version_put_off_is_done_by_the_next() -> None:
    """GitHub asked the old one to wait; the wait is in the database, and outlives every process of that version."""
    with postgres_server() as server, next_version() as program:
        database = make_database(server, "bot")
        with flows(database) as world:
            old = world.start()
            world.settle()
            told = Fault(is_the_bots, 429, headers={"Retry-After": "15"}, message="slow down", times=1)
            world.hub.faults.append(told)
            pushed = world.push("# put off\n")
            eventually("GitHub's word", lambda: told.played)
            assert world.hub.wait_for_deliveries(60)
            world.end(old)
            world.start(program=program)
            world.merge(pushed)
            world.settle()
            print(f"\nput off by one version, done by the next: {world.check()}")


def _schema(database: str) -> str:
    engine = sa.create_engine(database)
    with engine.connect() as connection:
        found = str(connection.execute(sa.text("SELECT value FROM meta WHERE name = 'schema'")).scalar_one())
    engine.dispose()
    return found
