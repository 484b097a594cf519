"""The branch that a rollback's pull request lives on."""

from __future__ import annotations

import subprocess

import pytest

from bot.domain.names import BranchName, SubmodulePath
from bot.features.commands.apply.plan import pin_back_branch


@pytest.mark.parametrize("path", ["server", "stacks/server", "my server", "a..b", "x@{1}", "stacks.lock", "50%"])
def test_it_is_one_that_git_allows_whatever_the_path(path: str) -> None:
    branch = pin_back_branch(BranchName("main"), SubmodulePath(path))
    assert subprocess.run(["git", "check-ref-format", f"refs/heads/{branch}"], check=False).returncode == 0, branch


def test_an_ordinary_path_stays_as_it_is() -> None:
    found = pin_back_branch(BranchName("main"), SubmodulePath("stacks/server"))
    assert found == "aios-bot/rollback/main/stacks/server"
