"""Drift checks go on with a fleet's other pins when one of them fails."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from bot.domain.errors import BotError, RetryLater
from bot.domain.names import BranchName, InstallationId, RepoName, SubmodulePath
from bot.features.drift import run
from bot.features.drift.jobs import CheckDrift
from bot.github.endpoints import issues

GOOD, BAD, LATER = SubmodulePath("server"), SubmodulePath("tools"), SubmodulePath("later")
JOB = CheckDrift(
    fleet=RepoName("acme/aios-win"), installation=InstallationId(7), base=BranchName("main"), not_before=5
)


class Fleet:
    """Stands in for reading and checking: BAD fails with `problem`, GOOD comes again at 90 and 80, LATER at 70."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        problem: Exception,
        *pins: SubmodulePath,
        nodes: tuple[str, ...] = ("a",),
    ) -> None:
        self.checked: list[SubmodulePath] = []
        at = SimpleNamespace(file=SimpleNamespace(nodes=nodes), repo=JOB.fleet)
        pinned = tuple(SimpleNamespace(submodule=pin) for pin in pins)

        def check(_tools: object, _client: object, _at: object, pin: Any, known: object) -> list[int]:
            assert known == ("the bot's issues",)
            if pin.submodule == BAD:
                raise problem
            self.checked.append(pin.submodule)
            return {GOOD: [90, 80], LATER: [70]}[pin.submodule]

        monkeypatch.setattr(run, "fetch_fleet", lambda *_given: (at, pinned))
        monkeypatch.setattr(issues, "find_issues_of", lambda *_given: ("the bot's issues",))
        monkeypatch.setattr(run, "check_pin", check)

    def check(self, job: CheckDrift = JOB) -> Any:
        app = SimpleNamespace(login=lambda: "aios-bot[bot]")
        tools: Any = SimpleNamespace(fleets=SimpleNamespace(app=app))
        return run.check_drift(tools, tools, job)


PROBLEM = BotError("its report cannot be read")


@pytest.mark.parametrize("pins", [(BAD, GOOD, LATER), (GOOD, BAD, LATER), (LATER, GOOD, BAD)])
def test_the_failing_pin_is_retried_alone(monkeypatch: pytest.MonkeyPatch, pins: tuple[SubmodulePath, ...]) -> None:
    fleet = Fleet(monkeypatch, PROBLEM, *pins)
    followers = fleet.check()
    assert fleet.checked == [pin for pin in pins if pin != BAD]
    assert followers == (replace(JOB, submodule=BAD, not_before=0), replace(JOB, not_before=70))


def test_every_failing_pin_is_retried_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet(monkeypatch, PROBLEM, BAD, BAD)
    assert fleet.check() == (replace(JOB, submodule=BAD, not_before=0),) * 2


@pytest.mark.parametrize(("pins", "job"), [((GOOD, BAD), replace(JOB, submodule=BAD)), ((BAD,), JOB)])
def test_alone_it_fails_by_itself_so_that_the_queue_counts_it(
    monkeypatch: pytest.MonkeyPatch, pins: tuple[SubmodulePath, ...], job: CheckDrift
) -> None:
    fleet = Fleet(monkeypatch, PROBLEM, *pins)
    with pytest.raises(BotError, match="its report cannot be read"):
        fleet.check(job)
    assert fleet.checked == []


def test_once_it_succeeds_alone_it_comes_again_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet(monkeypatch, PROBLEM, GOOD, LATER)
    alone = replace(JOB, submodule=GOOD, not_before=0)
    assert fleet.check(alone) == (replace(alone, not_before=80),)
    assert fleet.checked == [GOOD]


def test_a_wait_holds_for_every_pin(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet(monkeypatch, RetryLater("GitHub asks to wait", seconds=60), BAD, GOOD)
    with pytest.raises(RetryLater):
        fleet.check()
    assert fleet.checked == []


def test_a_fleet_without_nodes_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet(monkeypatch, PROBLEM, GOOD, nodes=())
    assert fleet.check() == ()
    assert fleet.checked == []
