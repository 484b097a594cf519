"""What people said and own, in a real database: once each, locks that expire, a trail that nobody rewrites."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from bot.cli.main import aios_bot
from bot.domain.names import BranchName, InstallationId, NodeName, PullNumber
from bot.features.audit.store import AuditTrail
from bot.features.commands.decide.command import decide_command
from bot.features.commands.facts.record import CommandRecord, audit_command, compose_record
from bot.features.commands.store import CommandStore
from bot.features.holds.facts import Lock
from bot.features.holds.store import HoldStore, LockTakenError
from bot.service.database import open_store
from bot.storage.store import Store
from tests.unit.features.commands.test_decide import FLEET, PULL, facts


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite:///{tmp_path}/aios-bot.sqlite")


def asked(source: str = "comment:1", *, at: int = 100) -> CommandRecord:
    given = facts("/lock LAB mine")
    return compose_record(
        given,
        decide_command(given),
        source=source,
        fleet=FLEET,
        installation=InstallationId(1),
        pull=PULL,
        base=BranchName("main"),
        at=at,
        route=None,
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
    commands, one = CommandStore(store), asked()
    for _ in range(3):
        commands.save(one, (audit_command(one),), locks=(lock(),))
    assert commands.find("comment:1") == one
    assert HoldStore(store).find_locks(FLEET, now=150) == (lock(),)
    assert [record.said for record in AuditTrail(store).read()] == ["/lock LAB mine"]


def test_anothers_lock_is_taken_over_only_when_it_has_expired(store: Store) -> None:
    commands, holds = CommandStore(store), HoldStore(store)
    commands.save(asked(), (), locks=(lock(),))
    with pytest.raises(LockTakenError):
        commands.save(asked("comment:2"), (audit_command(asked("comment:2")),), locks=(lock(8),))
    assert commands.find("comment:2") is None  # nothing of it was kept
    assert list(AuditTrail(store).read()) == []
    assert holds.find_locks(FLEET, now=200) == ()
    commands.save(asked("comment:3", at=200), (), locks=(lock(8, expires=300),))
    assert holds.find_locks(FLEET, now=250) == (lock(8, expires=300),)
    commands.end_locks((lock(7),), (), key="x")  # no longer ours to end
    assert holds.find_locks(FLEET, now=250) == (lock(8, expires=300),)


def test_nobody_rewrites_the_trail_and_it_comes_out_as_json_lines(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    CommandStore(store).save(asked(), (audit_command(asked()),))
    for statement in ("UPDATE audit SET record = '{}'", "DELETE FROM audit"):
        with pytest.raises(sa.exc.DatabaseError, match="append-only"):
            store.write(lambda connection, text=statement: connection.execute(sa.text(text)))  # type: ignore[misc]  # binds the loop's value
    monkeypatch.setenv("AIOS_BOT_DATABASE_URL", f"sqlite:///{tmp_path}/aios-bot.sqlite")
    monkeypatch.setenv("AIOS_BOT_DATA", str(tmp_path))
    told = CliRunner().invoke(aios_bot, ["audit", "export", "--fleet", FLEET])
    assert told.exit_code == 0, told.output
    (line,) = told.output.splitlines()
    assert json.loads(line) == msgspec.to_builtins(audit_command(asked()))
