"""`aios-bot plan` from a checkout: edits that are not committed, and renderings that are kept from run to run."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.cli.main import aios_bot
from bot.domain.errors import BotError, ExitCode
from tests.cases_world import CaseWorld
from tests.gitworld import git


@pytest.fixture
def world(tmp_path: Path) -> CaseWorld:
    world = CaseWorld("password-is-a-path-word", tmp_path)
    git(world.checkout / "server", "fetch", "--quiet", "origin")
    return world


def run(world: CaseWorld, *arguments: str) -> Result:
    return run_at(world, world.checkout, *arguments)


def run_at(world: CaseWorld, folder: Path, *arguments: str) -> Result:
    environment = {"XDG_CACHE_HOME": str(world.root / "kept")}
    return CliRunner(env=environment).invoke(aios_bot, ["plan", "--repo", str(folder), *arguments])


def test_edits_that_are_not_committed_are_part_of_the_plan_and_nothing_of_them_is_written(world: CaseWorld) -> None:
    server = world.checkout / "server"
    git(server, "checkout", "--quiet", "--detach", world.new_pin)
    (server / "stacks/web/fresh.yaml").write_text("services: {}\n")
    named = run(world)
    assert named.exit_code == 0, named.output
    assert "not in the plan, because git does not have them: stacks/web/fresh.yaml" in named.output
    assert "restart   HP / web / db" in named.output
    (server / "stacks/web/postgres/init.sql").write_text("edited\n")
    before = git(server, "status", "--porcelain"), git(server, "count-objects")
    edited = run(world)
    assert edited.exit_code == 0, edited.output
    assert "edits that are not committed are part of this plan: stacks/web/postgres/init.sql\n" in edited.output
    assert "  -1\n  +edited" in edited.output
    assert (git(server, "status", "--porcelain"), git(server, "count-objects")) == before
    assert "  -1\n  +2" in run(world, "--to", "HEAD").output


def test_what_edits_rename_is_in_the_plan(world: CaseWorld) -> None:
    git(world.checkout / "server", "mv", "stacks/web", "stacks/site")
    told = run(world)
    assert "remove" in told.output, told.output
    assert "site" in told.output


def test_a_fleet_file_that_is_no_text_is_told_as_such(world: CaseWorld) -> None:
    (world.root / "fleet.yml").write_bytes(b"\xe8\xff\x00")
    found = run(world, "--fleet", str(world.root / "fleet.yml"))
    assert isinstance(found.exception, BotError)
    assert "fleet.yml" in str(found.exception)


def test_any_two_commits_are_compared_and_only_a_bump_has_to_move_forward(world: CaseWorld) -> None:
    back = run(world, "--old", world.new_pin, "--new", world.old_pin)
    assert back.exit_code == 0, back.output
    assert "  -2\n  +1" in back.output
    refused = run(world, "--from", world.new_pin, "--to", world.old_pin)
    assert isinstance(refused.exception, BotError)
    assert "--old and --new compare any two" in str(refused.exception)
    assert run(world, "--from", world.old_pin, "--new", "HEAD").exit_code == ExitCode.USAGE


def test_a_kept_plan_starts_few_processes_of_git(world: CaseWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    alone, programs, listed = (world.root / name for name in ("alone", "programs", "listed"))
    git(world.root, "clone", "--quiet", str(world.checkout / "server"), str(alone))
    programs.mkdir()
    (programs / "git").write_text(f'#!/bin/sh\necho "$@" >>{listed}\nexec {shutil.which("git")} "$@"\n')
    (programs / "git").chmod(0o755)
    arguments = ("--old", world.old_pin, "--new", world.new_pin)
    first = run_at(world, alone, *arguments)
    assert first.exit_code == 0, first.output
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    assert run_at(world, alone, *arguments).output == first.output
    # Where it is, the commits, what HEAD pins, the commits between, and the files of both sides.
    calls = listed.read_text().strip().split("\n")
    contents = [call for call in calls if "--batch=" in call or "objectsize" in call]
    assert len(calls) - len(contents) <= 6, calls


def test_a_stacks_repository_alone_and_folders_are_compared(world: CaseWorld) -> None:
    """Without a fleet: commits, the checkout with its edits, and folders that git does not know."""
    server = world.checkout / "server"
    git(server, "checkout", "--quiet", "--detach", world.new_pin)
    alone = world.root / "alone stacks"
    git(world.root, "clone", "--quiet", str(server), str(alone))
    told = run_at(world, alone, "--old", world.old_pin, "--new", world.new_pin)
    assert told.exit_code == 0, told.output
    assert "alone-stacks " in told.output
    assert "restart   any node / web / db" in told.output
    (alone / "stacks/web/postgres/init.sql").write_text("edited\n")
    assert "  -2\n  +edited" in run_at(world, alone).output
    folders = world.root / "old", world.root / "new"
    for folder, text in zip(folders, ("1\n", "3\n"), strict=True):
        shutil.copytree(alone / "stacks", folder / "stacks")
        (folder / "stacks/web/postgres/init.sql").write_text(text)
        (folder / ".gitignore").write_text("*.sql\n")
    both = run_at(world, world.root, "--old", str(folders[0]), "--new", str(folders[1]))
    assert both.exit_code == 0, both.output
    assert "  -1\n  +3" in both.output
    inner = [str(folder / "stacks") for folder in folders]
    assert "  -1\n  +3" in run_at(world, world.root, "--old", inner[0], "--new", inner[1], "--stacks", "*").output
    nowhere = run_at(world, alone, "--old", "nowhere")
    assert isinstance(nowhere.exception, BotError)
    assert "no commit 'nowhere'" in str(nowhere.exception)


def test_a_stack_that_cannot_be_analysed_is_told_first_and_by_the_exit_code(world: CaseWorld) -> None:
    (world.checkout / "server/stacks/web/compose.yaml").write_text("services: [no]\n")
    told = run(world)
    assert told.exit_code == ExitCode.REFUSED
    assert "could not analyse HP / web: " in told.output.splitlines()[3]


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


@pytest.mark.parametrize("sides", [(), ("--from", "HEAD"), ("--from", "HEAD", "--to", "HEAD")])
def test_a_mistyped_submodule_is_told_with_the_ones_that_there_are(world: CaseWorld, sides: tuple[str, ...]) -> None:
    found = run(world, "--submodule", "servr", *sides)
    assert isinstance(found.exception, BotError)
    assert "pins no submodule at 'servr'; it pins server: run this with `--submodule server`" in str(found.exception)


def test_a_commit_that_is_not_here_is_told_with_the_command_that_brings_it(world: CaseWorld) -> None:
    server = world.checkout / "server"
    missing = run(world, "--from", "d" * 40)
    assert str(missing.exception).endswith(f"and no such folder is here; run `git -C {server} fetch` first")
    shallow = world.root / "shal low"
    git(world.root, "clone", "--quiet", "--depth", "1", server.as_uri(), str(shallow))
    empty = world.root / "empty"
    git(world.root, "init", "--quiet", str(empty))
    assert str(run_at(world, empty).exception).endswith("has no commit 'HEAD'; it has no commit yet: commit first")
    cut = run_at(world, shallow, "--old", "HEAD~1", "--new", "HEAD")
    assert str(cut.exception).endswith(f"its clone is shallow: run `git -C '{shallow}' fetch --unshallow` first")
