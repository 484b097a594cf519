"""The token that registers and removes a runner is in no command line: those are everybody's to read."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.agent.state import NodeState
from bot.domain.names import BranchName, NodeName, RepoName
from bot.fleetfile import Platform
from bot.onboarding.join.node import NodeJoin
from bot.protocol.invitation import Invitation

CONFIG = '#!/bin/sh\necho "$@" > "{told}"\necho "$ACTIONS_RUNNER_INPUT_TOKEN" >> "{told}"\n'


def make_invitation(root: str) -> Invitation:
    return Invitation(
        fleet=RepoName("acme/fleet"),
        node=NodeName("LAB"),
        platform=Platform.LINUX,
        base=BranchName("main"),
        root=root,
        labels=("LAB",),
        key="",
        web_url="https://github.com",
        token="AAAA-TOKEN",
    )


def test_the_runners_token_is_given_as_a_variable(tmp_path: Path) -> None:
    runner, told = tmp_path / "state/runner", tmp_path / "told"
    runner.mkdir(parents=True)
    (runner / ".runner").write_text("{}")
    config = runner / "config.sh"
    config.write_text(CONFIG.format(told=told))
    config.chmod(0o755)
    invitation = make_invitation(str(tmp_path / "root"))
    NodeJoin(invitation, NodeState(tmp_path / "state"), {"PATH": "/usr/bin:/bin"}, lambda _line: None).leave()
    assert told.read_text().splitlines() == ["remove", "AAAA-TOKEN"]


@pytest.mark.parametrize(("root", "named"), [("/", "its checkout and"), ("/srv/aios", "its checkout /srv/aios and")])
def test_a_checkout_that_only_orders_named_is_given_no_path(tmp_path: Path, root: str, named: str) -> None:
    lines: list[str] = []
    NodeJoin(make_invitation(root), NodeState(tmp_path / "state"), {"PATH": "/usr/bin:/bin"}, lines.append).leave()
    assert lines[-1].startswith(f"note {named} its containers stay")
