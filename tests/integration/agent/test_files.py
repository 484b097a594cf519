"""The files of a checkout are the repository's: modes, large files, attributes, and who may write them."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.agent.file_checks import check_writable
from bot.agent.work_tree import CheckoutError
from bot.protocol.action import Action
from bot.protocol.outcome import FailureReason, OrderEnd
from sandbox.engine import Engine
from tests.gitworld import git
from tests.nodeworld import NOTHING, NodeWorld

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12345\n".format("4" * 64)
NOBODY = 65534


@pytest.fixture
def narrow_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("narrow_umask")
def test_modes_are_the_repositorys_whoever_starts_the_node(node_world: NodeWorld) -> None:
    world = node_world
    script = world.server / "stacks/ingress/run.sh"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    git(world.server, "add", "stacks/ingress/run.sh")
    at = world.push({"stacks/ingress/dynamic/new.yml": "new\n", "stacks/ingress/deeper/file": "x\n"})
    assert world.deploy(world.order(at, NOTHING)).end is OrderEnd.SUCCESS
    ingress = world.root / "server/stacks/ingress"
    assert mode(ingress / "dynamic/new.yml") == 0o644
    assert mode(ingress / "run.sh") == 0o755
    assert mode(ingress / "deeper") == 0o755
    assert mode(ingress / "deeper/file") == 0o644


def test_a_pointer_of_git_lfs_is_refused_before_anything_is_touched(node_world: NodeWorld) -> None:
    world = node_world
    before = world.checkout_position()
    files = {"stacks/ingress/.gitattributes": "*.bin filter=lfs -text\n", "stacks/ingress/model.bin": POINTER}
    at = world.push(files)
    restart = {"ingress": {"traefik": Action.RESTART, "whoami": Action.NONE}, "secrets": {"vault": Action.NONE}}
    outcome = world.deploy(world.order(at, restart))
    assert (outcome.end, outcome.failure) == (OrderEnd.UNTOUCHED, FailureReason.FETCH), outcome
    assert "Git LFS holds stacks/ingress/model.bin" in outcome.text
    assert "`git lfs install`" in outcome.text
    assert world.checkout_position() == before
    # Elsewhere it stops nothing.
    at = world.push({"stacks/ingress/model.bin": None, "pictures/logo.bin": POINTER})
    assert world.deploy(world.order(at, restart)).end is OrderEnd.SUCCESS


def test_what_a_container_planted_in_the_clone_is_never_run(node_world: NodeWorld) -> None:
    world, trace = node_world, node_world.folder / "PWNED"
    git_dir = world.root / ".git/modules/server"
    (git_dir / "info").mkdir(exist_ok=True)
    (git_dir / "hooks").mkdir(exist_ok=True)
    hook = git_dir / "hooks/post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {trace}.hook\n")
    hook.chmod(0o755)
    (world.folder / "attributes").write_text("* filter=evil\n")
    for name, value in {
        "filter.evil.clean": f"touch {trace}.clean; cat",
        "filter.evil.smudge": f"touch {trace}.smudge; cat",
        "filter.evil.process": f"touch {trace}.process",
        "filter.evil.required": "true",
        "core.attributesFile": str(world.folder / "attributes"),
        "core.fsmonitor": f"touch {trace}.fsmonitor",
    }.items():
        git(world.root / "server", "config", name, value)
    for file in (world.root / "server/stacks").rglob("*.yml"):
        os.utime(file, (1, 1))  # so that git reads it again

    at = world.push({"stacks/ingress/dynamic/headers.yml": "two\n", "stacks/.gitattributes": "*.yml filter=evil\n"})
    assert world.deploy(world.order(at, NOTHING)).end is OrderEnd.SUCCESS, world.told
    for file in (world.root / "server/stacks").rglob("*.yml"):
        os.utime(file, (1, 1))
    at = world.push({"stacks/ingress/dynamic/headers.yml": "three\n"})
    assert world.deploy(world.order(at, NOTHING)).end is OrderEnd.SUCCESS, world.told
    assert (world.root / "server/stacks/ingress/dynamic/headers.yml").read_text() == "three\n"

    (git_dir / "info/attributes").write_text("# mine\n*.yml ident\n")
    at = world.push({"stacks/ingress/dynamic/headers.yml": "four\n"})
    outcome = world.deploy(world.order(at, NOTHING))
    assert outcome.end is OrderEnd.UNTOUCHED
    assert f"{git_dir}/info/attributes changes files while git writes them ('*.yml ident')" in outcome.text
    (git_dir / "info/attributes").write_text("*.yml diff=yaml\n")
    assert world.deploy(world.order(at, NOTHING)).end is OrderEnd.SUCCESS
    assert list(world.folder.glob("PWNED*")) == []


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize("data_mode", [0o755, 0o700], ids=["open", "closed"])
def test_a_folder_of_another_user_is_named_before_anything_is_touched(tmp_path: Path, data_mode: int) -> None:
    (tmp_path / "mine").mkdir(mode=0o777)
    (tmp_path / "data").mkdir()
    (tmp_path / "data").chmod(data_mode)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == 0 and not folder.stat().st_mode & 0o001:
            folder.chmod(0o755)
    (tmp_path / "mine").chmod(0o777)
    names = ["data/b", "data/deeper/a", "mine/c", "mine/new/d"]

    def check(*names: str) -> str:
        os.seteuid(NOBODY)
        try:
            check_writable(tmp_path, names)
        except CheckoutError as problem:
            return str(problem)
        finally:
            os.seteuid(0)
        return ""

    found = check(*names)
    assert f"may not write in {tmp_path / 'data'}, which belongs to root" in found
    assert "data/b, data/deeper/a: `sudo chown nobody" in found
    assert check("mine/c", "mine/new/d") == ""
    assert "(and 1 more folders)" in check("data/b", "top")


@pytest.mark.parametrize(("is_up", "failure"), [(True, FailureReason.FETCH), (False, FailureReason.ENGINE)])
def test_where_nothing_can_be_fetched_the_engine_is_told_if_it_is_away_too(
    node_world: NodeWorld, is_up: bool, failure: FailureReason
) -> None:
    world = node_world
    at = world.push({"stacks/ingress/dynamic/headers.yml": "two\n"})
    (world.folder / "remote").rename(world.folder / "elsewhere")
    if not is_up:
        nothing = f"unix://{world.folder}/nothing.sock"
        world.engine = Engine(nothing, world.engine.environment | {"DOCKER_HOST": nothing})
    outcome = world.deploy(world.order(at, {"ingress": {"traefik": Action.RESTART}}))
    assert (outcome.end, outcome.failure) == (OrderEnd.UNTOUCHED, failure), outcome
    assert ("the Docker Engine cannot be reached" in outcome.text) is not is_up
    assert any(line.startswith("the fetch failed: ") for line in world.told)
