"""The doctor names a runner that GitHub gives no jobs to, which else only looks offline."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bot.agent.runner_version import check_runner, find_runner, judge_version
from bot.domain.errors import BotError
from bot.domain.names import NodeName


@pytest.mark.parametrize("version", ["2.329.0", "2.336.1", "3.0.0"])
def test_a_runner_that_github_accepts(version: str) -> None:
    assert judge_version(version) == f"runner {version}"


@pytest.mark.parametrize("version", ["2.328.9", "2.99.0", "1.400.0"])
def test_a_runner_that_is_too_old(version: str) -> None:
    with pytest.raises(BotError) as caught:
        judge_version(version)
    assert f"runner {version} is older than 2.329.0" in str(caught.value)
    assert "paste the command of `node add` again" in str(caught.value)


@pytest.mark.parametrize("printed", ["", "An error occurred"])
def test_a_runner_that_does_not_say_its_version(printed: str) -> None:
    with pytest.raises(BotError, match="does not say which version"):
        judge_version(printed)


def test_the_version_is_what_its_program_prints(tmp_path: Path) -> None:
    assert "not known" in check_runner(tmp_path)
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/Runner.Listener"
    program.write_text('#!/bin/sh\n[ "$*" = --version ] && echo 2.300.0\n')
    program.chmod(0o755)
    with pytest.raises(BotError, match=r"runner 2\.300\.0 is older"):
        check_runner(tmp_path)
    program.write_text("no program\n")
    program.chmod(0o644)
    with pytest.raises(BotError, match="--version failed"):
        check_runner(tmp_path)


def test_the_runner_is_where_join_puts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    where = (Path("/state"), Path("/srv/lab"), NodeName("LAB"))
    assert find_runner(*where) == Path("/state/runner")
    monkeypatch.setattr(sys, "platform", "win32")
    assert find_runner(*where) == Path("/runner-LAB")
