"""An open command whose base or fleet file is gone is closed and told, and stops no other."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from bot.domain.errors import BotError, RetryLater
from bot.domain.names import BranchName, InstallationId
from bot.features.commands.apply import orders
from bot.features.commands.decide.command import decide_command
from bot.features.commands.facts.record import CommandRecord, compose_record
from bot.features.commands.store import CommandStore
from bot.features.fleets.read import NotAFleet
from bot.features.holds.store import HoldStore
from bot.fleetfile.problems import Problem, YamlFileError
from bot.service.database import open_store
from tests.unit.features.commands.test_decide import FLEET, PULL, facts
from tests.unit.features.rollout.test_orders import wanted

GONE = NotAFleet("acme/aios-win has no .github/aios-bot.yml on branch old")
BROKEN = YamlFileError((Problem(3, "unknown key"),), path=".github/aios-bot.yml")


def record(source: str, base: str) -> CommandRecord:
    given = facts("/lock LAB mine")
    made = compose_record(
        given,
        decide_command(given),
        source=source,
        fleet=FLEET,
        installation=InstallationId(1),
        pull=PULL,
        base=BranchName(base),
        at=100,
        route=None,
    )
    return replace(made, orders=(wanted(),))


class Desk:
    """Open commands on two bases; what is read of `old`, and what GitHub says to replies, is the test's."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, problem: Exception) -> None:
        store = open_store(f"sqlite:///{folder}/aios-bot.sqlite3")
        self.commands = CommandStore(store)
        for source, base in (("comment:1", "old"), ("comment:2", "old"), ("comment:3", "main")):
            self.commands.save(record(source, base), ())
        self.replies: list[str] = []
        self.followed: list[str] = []
        self.refused = ""
        self.tools: Any = SimpleNamespace(
            bump=SimpleNamespace(holds=HoldStore(store)),
            fleets=SimpleNamespace(now=lambda: 150.0),
            commands=self.commands,
        )

        def read(_tools: object, _client: object, _fleet: object, base: str) -> str:
            if base == "old":
                raise problem
            return base

        monkeypatch.setattr(orders, "read_base", read)
        monkeypatch.setattr(orders, "put_reply", lambda *_given, body: self._reply(body))
        monkeypatch.setattr(orders, "follow", lambda _t, _c, _at, one: self.followed.append(one.source))

    def _reply(self, body: str) -> None:
        if self.refused and self.refused in body:
            raise BotError("GitHub refused it: the conversation is locked")
        self.replies.append(body)

    def run(self) -> bool:
        return orders.follow_open_commands(self.tools, self.tools, FLEET)

    def open(self) -> list[str]:
        return [one.source for one in self.commands.find_open(FLEET)]


@pytest.mark.parametrize(("problem", "words"), [(GONE, "has no"), (BROKEN, "unknown key")])
def test_it_is_closed_and_told_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: Exception, words: str
) -> None:
    desk = Desk(tmp_path, monkeypatch, problem)
    desk.run()
    assert desk.open() == ["comment:3"]
    assert desk.followed == ["comment:3"]
    assert len(desk.replies) == 2
    assert all(words in body and "LAB" in body for body in desk.replies), desk.replies


def test_one_that_cannot_be_told_stays_open_and_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path, monkeypatch, GONE)
    desk.refused = "comment:1"
    with pytest.raises(BotError, match="locked"):
        desk.run()
    assert desk.open() == ["comment:1", "comment:3"]
    assert desk.followed == ["comment:3"]


def test_a_wait_is_everybodys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path, monkeypatch, RetryLater("GitHub asks to wait", seconds=9))
    with pytest.raises(RetryLater):
        desk.run()
    assert desk.open() == ["comment:1", "comment:2", "comment:3"]
