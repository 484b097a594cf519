"""A rollout goes on with a fleet's other pins when one of them fails."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from bot.domain.errors import BotError, RetryLater
from bot.domain.names import BranchName, InstallationId, RepoName, SubmodulePath
from bot.features.rollout import run
from bot.features.rollout.decide.rollout import RolloutReason
from bot.features.rollout.jobs import SyncRollout

GOOD, BAD = SubmodulePath("server"), SubmodulePath("tools")
JOB = SyncRollout(
    fleet=RepoName("acme/aios-win"), installation=InstallationId(7), base=BranchName("main"), not_before=5
)


class Fleet:
    """Stands in for reading and applying: the facts of BAD cannot be read, GOOD comes again at 90."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, problem: Exception, *, pins: tuple[SubmodulePath, ...]
    ) -> None:
        self.applied: list[SubmodulePath] = []
        at = SimpleNamespace(file=SimpleNamespace(nodes=("a node",)))
        pinned = tuple(SimpleNamespace(submodule=pin) for pin in pins)

        def read(_tools: object, _client: object, _at: object, pin: Any, _job: object) -> Any:
            if pin.submodule == BAD:
                raise problem
            return pin.submodule

        decision = SimpleNamespace(reason=RolloutReason.UNDER_WAY, again_at=90, tries=0)
        monkeypatch.setattr(run, "fetch_fleet", lambda *_given: (at, pinned))
        monkeypatch.setattr(run, "read_rollout_facts", read)
        monkeypatch.setattr(run, "decide_rollout", lambda _facts: decision)
        monkeypatch.setattr(run, "apply_rollout", lambda _t, _c, _at, facts, _decision: self.applied.append(facts))

    def sync(self, job: SyncRollout = JOB) -> Any:
        tools: Any = SimpleNamespace(fleets=None)
        return run.sync_rollout(tools, tools, job)


@pytest.mark.parametrize("pins", [(BAD, GOOD), (GOOD, BAD)])
def test_the_failing_pin_is_retried_alone(monkeypatch: pytest.MonkeyPatch, pins: tuple[SubmodulePath, ...]) -> None:
    fleet = Fleet(monkeypatch, BotError("its plan cannot be made"), pins=pins)
    followers = fleet.sync()
    assert fleet.applied == [GOOD]
    assert set(followers) == {replace(JOB, not_before=90), replace(JOB, submodule=BAD, not_before=0)}


def test_alone_it_fails_by_itself_so_that_the_queue_counts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet(monkeypatch, BotError("its plan cannot be made"), pins=(GOOD, BAD))
    with pytest.raises(BotError, match="its plan cannot be made"):
        fleet.sync(replace(JOB, submodule=BAD))
    assert fleet.applied == []


def test_a_wait_holds_for_every_pin(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet(monkeypatch, RetryLater("GitHub asks to wait", seconds=60), pins=(BAD, GOOD))
    with pytest.raises(RetryLater):
        fleet.sync()
    assert fleet.applied == []
