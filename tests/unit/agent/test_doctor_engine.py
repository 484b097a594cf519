"""The doctor says how to start an engine where it does not answer, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.agent.doctor import ENGINE_REMEDIES, run_checks
from bot.agent.state import NodeState
from bot.engine.docker import Docker
from bot.git.safe_git import GitAccess
from bot.settings.node import find_platform

CLIENT = """#!/bin/sh
case "$1" in
version) {version} ;;
info) echo "|" ;;
compose) {compose} ;;
context) echo unix:///nowhere ;;
esac
"""


def check(folder: Path, patch: pytest.MonkeyPatch, script: str = "") -> str:
    """What the doctor says of the engine behind a client that is `script`."""
    patch.setenv("PATH", str(folder))
    if script:
        (folder / "docker").write_text(script)
        (folder / "docker").chmod(0o755)
    findings = run_checks(NodeState(folder / "state"), Docker({}), GitAccess("", None), None)
    (engine,) = [one for one in findings if one.name == "engine"]
    return engine.text


def test_an_engine_that_does_not_answer_is_to_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = check(tmp_path, monkeypatch, CLIENT.format(version="exit 1", compose="echo 5.0.1"))
    assert text.endswith(ENGINE_REMEDIES[find_platform()])


@pytest.mark.parametrize(
    ("script", "cure"),
    [
        ("", "`docker` is not on PATH: install Docker Engine"),
        (CLIENT.format(version="echo 28.1.1", compose="exit 1"), "install the docker-compose-plugin package"),
        (CLIENT.format(version="echo 28.1.1", compose="echo 2.1.0"), "docker compose 2.1.0 is too old: install"),
        (CLIENT.format(version="echo 19.3.1", compose="echo 5.0.1"), "Docker Engine 19.3.1 is too old: install"),
    ],
)
def test_what_is_missing_or_too_old_is_to_be_installed(
    script: str, cure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = check(tmp_path, monkeypatch, script)
    assert cure in text
    assert ENGINE_REMEDIES[find_platform()] not in text
