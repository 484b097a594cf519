"""`aios-bot plan` from a checkout: edits that are not committed, and renderings that are kept from run to run."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.cli.plan import plan
from bot.domain.errors import BotError
from tests.cases_world import CaseWorld
from tests.gitworld import git


@pytest.fixture
def world(tmp_path: Path) -> CaseWorld:
    world = CaseWorld("password-is-a-path-word", tmp_path)
    git(world.checkout / "server", "fetch", "--quiet", "origin")
    return world


def run(world: CaseWorld, *arguments: str) -> Result:
    environment = {"XDG_CACHE_HOME": str(world.root / "kept")}
    return CliRunner(env=environment).invoke(plan, ["--repo", str(world.checkout), *arguments])


def test_edits_that_are_not_committed_are_refused_and_unknown_files_named(world: CaseWorld) -> None:
    server = world.checkout / "server"
    git(server, "checkout", "--quiet", "--detach", world.new_pin)
    (server / "stacks/web/fresh.yaml").write_text("services: {}\n")
    named = run(world)
    assert named.exit_code == 0, named.output
    assert "not in the plan, because git does not have them: stacks/web/fresh.yaml" in named.output
    assert "restart   HP / web / db" in named.output
    (server / "stacks/web/postgres/init.sql").write_text("edited\n")
    refused = run(world)
    assert isinstance(refused.exception, BotError)
    assert "server has edits that are not committed" in str(refused.exception)
    assert "stacks/web/postgres/init.sql" in str(refused.exception)
    assert "restart   HP / web / db" in run(world, "--to", "HEAD").output


def test_renderings_are_kept_for_this_person_alone_and_unreadable(world: CaseWorld) -> None:
    first = run(world, "--to", world.new_pin)
    folder = world.root / "kept/aios-bot"
    kept = sorted((folder / "renderings").rglob("*.entry"))
    assert kept
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "key").stat().st_mode) == 0o600
    assert all(b"postgres" not in path.read_bytes() for path in kept)
    assert run(world, "--to", world.new_pin).output == first.output
    assert sorted((folder / "renderings").rglob("*.entry")) == kept


def test_a_plan_needs_no_folder_of_its_own(world: CaseWorld) -> None:
    (world.root / "kept").write_text("a file stands there\n")
    assert "restart   HP / web / db" in run(world, "--to", world.new_pin).output
