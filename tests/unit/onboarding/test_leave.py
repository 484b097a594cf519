"""What a node that leaves says about the runner that GitHub still lists."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.agent.state import NodeState
from bot.onboarding.join import node as joining
from bot.onboarding.join.node import NodeJoin
from tests.unit.onboarding.test_services import INVITATION


@pytest.mark.parametrize(("is_registered", "token"), [(True, ""), (True, "t"), (False, "")])
def test_a_runner_that_may_still_be_listed_is_named_with_the_command_that_removes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_registered: bool, token: str
) -> None:
    said: list[str] = []
    monkeypatch.setattr(joining, "stop_runner", lambda *_: None)
    monkeypatch.setattr(joining, "run_shown", lambda *_, **__: None)
    (tmp_path / "runner").mkdir()
    if is_registered:
        (tmp_path / "runner/.runner").touch()
    NodeJoin(replace(INVITATION, token=token), NodeState(tmp_path), {}, said.append).leave()
    listed = [line for line in said if "`aios-bot node remove LAB`" in line]
    assert len(listed) == (is_registered and not token)
