"""What people said and own, in a real database: once each, locks that expire, a trail that nobody rewrites."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from bot.cli.audit import audit
from bot.domain.names import BranchName, InstallationId, NodeName, PullNumber
from bot.features.commands.decide.command import decide_command
from bot.features.commands.facts.record import Asked, compose_asked, record_of
from bot.features.commands.store import LockTakenError, People
from bot.features.holds.facts import Lock
from bot.storage.store import Store
from tests.unit.features.commands.test_decide import FLEET, PULL, facts


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"sqlite:///{tmp_path}/aios-bot.sqlite")


def asked(source: str = "comment:1", *, at: int = 100) -> Asked:
    given = facts("/lock LAB mine")
    return compose_asked(
        given,
        decide_command(given),
        source=source,
        fleet=FLEET,
        installation=InstallationId(1),
        pull=PULL,
        base=BranchName("main"),
        at=at,
        way=None,
    )


def lock(pull: int = 7, *, expires: int = 200) -> Lock:
    return Lock(
        fleet=FLEET,
        node=NodeName("LAB"),
        pull=PullNumber(pull),
        owner="ada",
        reason="mine",
        taken_at=100,
        expires_at=expires,
    )


def test_a_command_is_kept_once_with_its_lock_and_its_line(store: Store) -> None:
    people, one = People(store), asked()
    for _ in range(3):
        people.keep_asked(one, (record_of(one),), locks=(lock(),))
    assert people.find_asked("comment:1") == one
    assert people.find_locks(FLEET, now=150) == (lock(),)
    assert [record.said for record in people.read_audit()] == ["/lock LAB mine"]


def test_anothers_lock_is_taken_over_only_when_it_has_expired(store: Store) -> None:
    people = People(store)
    people.keep_asked(asked(), (), locks=(lock(),))
    with pytest.raises(LockTakenError):
        people.keep_asked(asked("comment:2"), (record_of(asked("comment:2")),), locks=(lock(8),))
    assert people.find_asked("comment:2") is None  # nothing of it was kept
    assert list(people.read_audit()) == []
    assert people.find_locks(FLEET, now=200) == ()
    people.keep_asked(asked("comment:3", at=200), (), locks=(lock(8, expires=300),))
    assert people.find_locks(FLEET, now=250) == (lock(8, expires=300),)
    people.end_locks((lock(7),), (), key="x")  # no longer ours to end
    assert people.find_locks(FLEET, now=250) == (lock(8, expires=300),)


def test_nobody_rewrites_the_trail_and_it_comes_out_as_json_lines(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    People(store).keep_asked(asked(), (record_of(asked()),))
    for statement in ("UPDATE audit SET record = '{}'", "DELETE FROM audit"):
        with pytest.raises(sa.exc.DatabaseError, match="append-only"):
            store.write(lambda connection, text=statement: connection.execute(sa.text(text)))  # type: ignore[misc]  # binds the loop's value
    monkeypatch.setenv("AIOS_BOT_DATABASE_URL", f"sqlite:///{tmp_path}/aios-bot.sqlite")
    monkeypatch.setenv("AIOS_BOT_DATA", str(tmp_path))
    told = CliRunner().invoke(audit, ["export", "--fleet", FLEET])
    assert told.exit_code == 0, told.output
    (line,) = told.output.splitlines()
    assert json.loads(line) == msgspec.to_builtins(record_of(asked()))
