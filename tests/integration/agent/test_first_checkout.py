"""A first checkout that was interrupted: the next order finishes it, at whatever moment git was killed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.agent.checkout import CheckoutPosition
from bot.protocol.outcome import OrderEnd
from tests.gitworld import git
from tests.nodeworld import CREATE_ALL, NodeWorld

CLONE = ".git/modules/server"


def keep_only(folder: Path, *names: str) -> None:
    for entry in folder.iterdir():
        if entry.name in names:
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _clone_just_begun(root: Path) -> None:
    keep_only(root / CLONE, "description", "hooks")
    keep_only(root / "server", ".git")


def _clone_before_its_configuration(root: Path) -> None:
    keep_only(root / CLONE, "description", "hooks", "HEAD", "branches", "info", "refs")
    (root / CLONE / "config.lock").write_bytes(b"")
    keep_only(root / "server", ".git")


def _clone_before_its_commits(root: Path) -> None:
    shutil.rmtree(root / CLONE / "refs")
    (root / CLONE / "refs").mkdir()
    (root / CLONE / "packed-refs").unlink(missing_ok=True)
    (root / CLONE / "index").unlink()
    (root / CLONE / "HEAD").write_text("ref: refs/heads/main\n")
    keep_only(root / "server", ".git")


def _files_before_the_index(root: Path) -> None:
    (root / CLONE / "index").rename(root / CLONE / "index.lock")
    headers = root / "server/stacks/ingress/dynamic/headers.yml"
    headers.write_bytes(headers.read_bytes()[:2])


def _fleet_files_before_the_index(root: Path) -> None:
    (root / ".git/index").rename(root / ".git/index.lock")
    shutil.rmtree(root / "server")
    shutil.rmtree(root / ".git/modules")


@pytest.mark.parametrize(
    "interrupt",
    [
        _clone_just_begun,
        _clone_before_its_configuration,
        _clone_before_its_commits,
        _files_before_the_index,
        _fleet_files_before_the_index,
    ],
)
def test_the_next_order_finishes_an_interrupted_first_checkout(
    empty_node: tuple[NodeWorld, CheckoutPosition], interrupt: Callable[[Path], None]
) -> None:
    world, first = empty_node
    assert world.deploy(world.order(first, CREATE_ALL)).end is OrderEnd.SUCCESS, world.told
    for stack in ("secrets", "ingress"):
        world.engine.docker("compose", "--project-name", world.project(stack), "down")
    interrupt(world.root)
    (world.root / "notes.txt").write_text("a person's\n")
    (world.state.folder / "record.jsonl").unlink()
    begun = world.order(first, CREATE_ALL)
    world.state.begin(begun, now=world.clock)
    world.state.touch(begun, ())

    outcome = world.deploy(world.order(first, CREATE_ALL))

    assert outcome.end is OrderEnd.SUCCESS, (outcome, world.told)
    assert outcome.interrupted == begun.number
    assert world.checkout_position() == first
    assert git(world.root / "server", "status", "--porcelain") == ""
    assert (world.root / "notes.txt").read_text() == "a person's\n"


def test_a_clone_that_cannot_be_read_ends_the_order_with_the_reason(node_world: NodeWorld) -> None:
    world = node_world
    (world.root / "server/.git").write_text("gitdir: ../.git/modules/nowhere\n")
    at = world.push({"stacks/ingress/dynamic/headers.yml": "two\n"})

    outcome = world.deploy(world.order(at, CREATE_ALL))

    assert outcome.end is OrderEnd.UNTOUCHED
    assert "not a git repository" in outcome.text
