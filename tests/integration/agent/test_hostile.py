"""A repository that means harm, and a container that wrote where it should not: the node runs none of it."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

import pytest

from bot.agent.checkout import Checkout, CheckoutPosition
from bot.git.safe_git import GitAccess
from bot.protocol.order import RefusalReason
from bot.protocol.outcome import OrderEnd
from tests.gitworld import commit, git, new_repository
from tests.nodeworld import NOTHING, NodeWorld, server_files

TOKEN = "ghs_" + "Aa0._-" * 8


def push_address(world: NodeWorld, url: str) -> CheckoutPosition:
    """A fleet whose submodule comes from somewhere else now."""
    commit(world.fleet, {".gitmodules": f'[submodule "server"]\n\tpath = server\n\turl = {url}\n'})
    return world.push({"README.md": f"{url}\n"})


def private_repository(folder: Path) -> Path:
    """One of the machine's own, which nobody else may read."""
    place = new_repository(folder / "private")
    commit(place, {"secret.txt": "not for containers"})
    return place


def test_a_submodule_is_fetched_from_no_command_and_no_folder_of_the_machine(node_world: NodeWorld) -> None:
    world = node_world
    before, containers = world.checkout_position(), world.containers()
    mark = world.folder / "ran"
    private = private_repository(world.folder)
    for url in (f"ext::sh -c 'touch% {mark}'", private.as_uri(), str(private)):
        outcome = world.deploy(world.order(push_address(world, url), NOTHING))
        assert outcome.end is OrderEnd.UNTOUCHED, outcome
        assert "https or ssh" in outcome.text
    assert not mark.exists()
    assert world.checkout_position() == before
    assert world.containers() == containers


def test_a_submodule_of_the_submodule_neither(node_world: NodeWorld) -> None:
    world = node_world
    before = world.checkout_position()
    private = private_repository(world.folder)
    inner = git(private, "rev-parse", "HEAD")
    modules = f'[submodule "x"]\n\tpath = x\n\turl = {private.as_uri()}\n'
    pin = commit(world.server, {".gitmodules": modules}, pins={"x": inner})
    outcome = world.deploy(world.order(world.push({}, pin=pin), NOTHING))
    assert outcome.end is not OrderEnd.SUCCESS
    assert "https or ssh" in outcome.text
    assert world.checkout_position() == before
    assert not list(world.root.rglob("secret.txt"))


def test_hooks_and_watchers_of_the_checkout_are_not_run(node_world: NodeWorld) -> None:
    world = node_world
    mark = world.folder / "ran"
    script = f"#!/bin/sh\ntouch {mark}\n"
    for name in ("hooks/post-checkout", "hooks/reference-transaction", "modules/server/hooks/post-checkout", "watch"):
        path = world.root / ".git" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(script)
        path.chmod(0o755)
    for within in (world.root, world.root / "server"):
        git(within, "config", "core.fsmonitor", str(world.root / ".git/watch"))
    git(world.root / "server", "config", "core.hooksPath", str(world.root / ".git/hooks"))
    at = world.push(server_files(world.prefix, headers="two"))
    mark.unlink(missing_ok=True)  # setting the trap may have sprung it
    assert world.deploy(world.order(at, NOTHING)).end is OrderEnd.SUCCESS
    assert not mark.exists()


def test_a_link_is_not_written_through(node_world: NodeWorld) -> None:
    """A container with a writable mount turned a folder into a link: what the commit brings there goes nowhere."""
    world = node_world
    outside = world.folder / "outside"
    outside.mkdir()
    (world.root / "server/stacks/ingress/certs").symlink_to(outside)
    at = world.push({"stacks/ingress/certs/authorized_keys": "evil\n"})
    outcome = world.deploy(world.order(at, NOTHING))
    assert outcome.refusal is RefusalReason.IN_THE_WAY, outcome
    assert not list(outside.iterdir())


def test_the_token_is_in_no_file_and_no_command_line(
    empty_node: tuple[NodeWorld, CheckoutPosition], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, first = empty_node
    seen, real = world.folder / "seen", shutil.which("git")
    program = world.folder / "bin/git"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {seen}\nexec {real} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{real and Path(real).parent}:/usr/bin:/bin:/usr/sbin:/sbin")
    checkout = Checkout(world.root, GitAccess((world.folder / "remote").as_uri(), TOKEN))
    order = world.order(first, NOTHING)
    assert checkout.prepare(order) is None
    checkout.move(order, first)
    assert "submodule" in seen.read_text()
    basic = base64.b64encode(f"x-access-token:{TOKEN}".encode())
    for path in [seen, *(one for one in world.root.rglob("*") if one.is_file())]:
        content = path.read_bytes()
        assert TOKEN.encode() not in content, path
        assert basic not in content, path
