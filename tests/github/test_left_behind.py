"""What a bump stands on goes: its base gets another name, its submodule another path."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.world import FLEET, PERSON
from tests.github.stepping import Stepper


def rename_base(steps: Stepper) -> None:
    """Open pull requests go with the branch (docs: renaming a branch), `repository.edited` says so, and no push."""
    steps.hub.rename_branch(FLEET, "main", "trunk", by=PERSON)


def move_submodule(steps: Stepper) -> None:
    """`git mv server stacks`."""
    change_pin(steps, "stacks")


def remove_submodule(steps: Stepper) -> None:
    """`git rm server`: the fleet pins nothing any more."""
    change_pin(steps, None)


def change_pin(steps: Stepper, path: str | None) -> None:
    clone, git = steps.world.checkouts / "aios-win", steps.world.git
    pin = git(clone, "rev-parse", "HEAD:server")
    git(clone, "rm", "--quiet", "--cached", "server")
    modules, file = clone / ".gitmodules", clone / ".github/aios-bot.yml"
    if path is None:
        modules.unlink()
    else:
        git(clone, "update-index", "--add", "--cacheinfo", f"160000,{pin},{path}")
        modules.write_text(modules.read_text().replace("path = server", f"path = {path}"))
        file.write_text(file.read_text().replace("  server:", f"  {path}:"))
    git(clone, "add", "--update", ".gitmodules", ".github")
    git(clone, "commit", "--quiet", "--message", "Another path")
    git(clone, "push", "--quiet", "origin", "HEAD")


@pytest.mark.parametrize(
    ("happens", "left"),
    [(rename_base, ["aios-bot/trunk/server"]), (move_submodule, ["aios-bot/main/stacks"]), (remove_submodule, [])],
)
def test_a_bump_is_left_behind(steps: Stepper, happens: Callable[[Stepper], None], left: list[str]) -> None:
    """It is closed with the reason, and what is pinned now has the only one."""
    pull = steps.bump()
    happens(steps)
    steps.settle()
    assert [one["head"]["ref"] for one in steps.outside.pulls(FLEET)] == left
    (note,) = steps.outside.comments(FLEET, pull["number"])
    assert "no longer pins anything that this would move" in note["body"]
    assert steps.failed == []


def test_a_bump_with_somebodys_commit_is_left_behind(steps: Stepper) -> None:
    """It is theirs to close."""
    pull = steps.bump()
    clone = steps.world.checkouts / "aios-win"
    steps.world.git(clone, "fetch", "--quiet", "origin", pull["head"]["ref"])
    mine = steps.world.git(clone, "commit-tree", "FETCH_HEAD^{tree}", "-p", "FETCH_HEAD", "-m", "Mine")
    steps.world.git(clone, "push", "--quiet", "origin", f"{mine}:refs/heads/{pull['head']['ref']}")
    steps.settle()
    move_submodule(steps)
    steps.settle()
    assert steps.outside.get(f"/repos/{FLEET}/pulls/{pull['number']}")["state"] == "open"
    assert steps.failed == []
