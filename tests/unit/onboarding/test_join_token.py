"""The token that registers and removes a runner is in no command line: those are everybody's to read."""

from __future__ import annotations

from pathlib import Path

from bot.agent.state import NodeState
from bot.domain.names import BranchName, NodeName, RepoName
from bot.fleetfile import Platform
from bot.onboarding.join.node import NodeJoin
from bot.protocol.invitation import Invitation

CONFIG = '#!/bin/sh\necho "$@" > "{told}"\necho "$ACTIONS_RUNNER_INPUT_TOKEN" >> "{told}"\n'


def test_the_runners_token_is_given_as_a_variable(tmp_path: Path) -> None:
    runner, told = tmp_path / "state/runner", tmp_path / "told"
    runner.mkdir(parents=True)
    (runner / ".runner").write_text("{}")
    config = runner / "config.sh"
    config.write_text(CONFIG.format(told=told))
    config.chmod(0o755)
    invitation = Invitation(
        fleet=RepoName("acme/fleet"),
        node=NodeName("LAB"),
        platform=Platform.LINUX,
        base=BranchName("main"),
        root=str(tmp_path / "root"),
        labels=("LAB",),
        key="",
        web_url="https://github.com",
        token="AAAA-TOKEN",
    )
    NodeJoin(invitation, NodeState(tmp_path / "state"), {"PATH": "/usr/bin:/bin"}, lambda _line: None).leave()
    assert told.read_text().splitlines() == ["remove", "AAAA-TOKEN"]
