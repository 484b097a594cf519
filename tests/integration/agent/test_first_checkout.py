"""A first checkout that was interrupted: the next order finishes it, at whatever moment git was killed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.agent.checkout import Checkout, CheckoutPosition
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


def _clone_that_tries_links(root: Path) -> None:
    keep_only(root / CLONE, "description", "hooks", "HEAD", "branches", "info", "refs", "config")
    (root / CLONE / "tXk3Z9q").symlink_to("testing")
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


def _clone_before_its_refs(root: Path) -> None:
    _clone_before_its_commits(root)
    (root / CLONE / "packed-refs.lock").write_bytes(b"")
    (root / CLONE / "packed-refs.new").write_bytes(b"# pack-refs with: peeled fully-peeled sorted\n")


def _clone_before_its_link(root: Path) -> None:
    _clone_just_begun(root)
    (root / "server/.git").write_bytes(b"")


def _link_half_written(root: Path) -> None:
    keep_only(root / CLONE, "description", "hooks")
    keep_only(root / "server", ".git")
    (root / "server/.git").write_text(f"gitdir: {root.as_posix()}/.git/mod")


def _link_before_it_is_relative(root: Path) -> None:
    (root / CLONE / "index").unlink()
    keep_only(root / "server", ".git")
    (root / "server/.git").write_bytes(b"")


def _link_lost_below_its_files(root: Path) -> None:
    (root / "server/.git").write_text("gitdir: ../.git/mod")


def _refs_being_packed(root: Path) -> None:
    for git_dir in (root / ".git", root / CLONE):
        (git_dir / "packed-refs.lock").write_bytes(b"")
        (git_dir / "packed-refs.new").write_bytes(b"")


def _files_before_the_index(root: Path) -> None:
    (root / CLONE / "index").rename(root / CLONE / "index.lock")
    headers = root / "server/stacks/ingress/dynamic/headers.yml"
    headers.write_bytes(headers.read_bytes()[:2])


def _fleet_files_before_the_index(root: Path) -> None:
    (root / ".git/index").rename(root / ".git/index.lock")
    shutil.rmtree(root / "server")
    shutil.rmtree(root / ".git/modules")


def _fleet_clone_just_begun(root: Path) -> None:
    keep_only(root, ".git")
    keep_only(root / ".git", "description", "hooks")


def _fleet_clone_before_its_commits(root: Path) -> None:
    keep_only(root, ".git")
    keep_only(root / ".git", "description", "hooks", "HEAD", "branches", "info", "objects", "config")
    (root / ".git/HEAD").write_text("ref: refs/heads/main\n")
    (root / ".git/refs").mkdir()
    (root / ".git/packed-refs.lock").write_bytes(b"")
    (root / ".git/packed-refs.new").write_bytes(b"")


@pytest.mark.parametrize("interrupt", [_fleet_clone_just_begun, _fleet_clone_before_its_commits])
def test_the_next_order_finishes_a_clone_into_a_folder_that_was_there(
    empty_node: tuple[NodeWorld, CheckoutPosition], interrupt: Callable[[Path], None]
) -> None:
    world, first = empty_node
    world.root.mkdir(exist_ok=True)
    assert Checkout(world.root, world.node().access).prepare(world.order(first, CREATE_ALL)) is None
    interrupt(world.root)
    begun = world.order(first, CREATE_ALL)
    world.state.begin(begun, now=world.clock)

    outcome = world.deploy(world.order(first, CREATE_ALL))

    assert outcome.end is OrderEnd.SUCCESS, (outcome, world.told)
    assert outcome.interrupted == begun.number


def test_a_repository_without_a_commit_that_is_a_persons_stays(
    empty_node: tuple[NodeWorld, CheckoutPosition],
) -> None:
    world, first = empty_node
    world.root.mkdir(exist_ok=True)
    git(world.root, "init", "--quiet")
    (world.root / "draft.txt").write_text("a person's\n")
    world.state.begin(world.order(first, CREATE_ALL), now=world.clock)

    assert world.deploy(world.order(first, CREATE_ALL)).end is OrderEnd.UNTOUCHED
    assert (world.root / ".git").is_dir()
    assert (world.root / "draft.txt").read_text() == "a person's\n"


@pytest.mark.parametrize(
    "interrupt",
    [
        _clone_just_begun,
        _clone_that_tries_links,
        _clone_before_its_configuration,
        _clone_before_its_commits,
        _clone_before_its_refs,
        _clone_before_its_link,
        _link_half_written,
        _link_before_it_is_relative,
        _link_lost_below_its_files,
        _refs_being_packed,
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
    for folder in (world.root, world.root / "server"):
        git(folder, "pack-refs", "--all")
    assert (world.root / "notes.txt").read_text() == "a person's\n"


def test_a_clone_that_cannot_be_read_ends_the_order_with_the_reason(node_world: NodeWorld) -> None:
    world = node_world
    (world.root / "server/.git").write_text("gitdir: ../.git/modules/nowhere\n")
    at = world.push({"stacks/ingress/dynamic/headers.yml": "two\n"})

    outcome = world.deploy(world.order(at, CREATE_ALL))

    assert outcome.end is OrderEnd.UNTOUCHED
    assert "not a git repository" in outcome.text
