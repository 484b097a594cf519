"""A node of the version before and this one's, in turn on one folder: orders, record, and what is returned to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.agent.checkout import CheckoutPosition
from bot.domain.errors import ExitCode
from bot.features.rollout.apply.signing import sign_order
from bot.protocol.order import Order
from sandbox.engine import Engine
from tests.nodeworld import CREATE_ALL, NOTHING, NodeWorld, server_files
from tests.upgrade.versions import ROOT, environment_of, previous_version

MAIN = {True: "from bot.cli import main; main()", False: "from bot.cli.main import main; main()"}


def carry_out(world: NodeWorld, engine: Engine, order: Order, *, before: Path | None) -> tuple[int, str]:
    """Exit code and output of `aios-bot node deploy`, of the version before or of this one."""
    remote = (world.folder / "remote").as_uri()
    (world.folder / ".gitconfig").write_text(f'[url "{remote}/"]\n\tinsteadOf = https://github.com/\n')
    done = subprocess.run(
        [sys.executable, "-c", MAIN[before is not None], "node", "deploy", "--order", "-"],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"}
        | engine.environment
        | environment_of(before or ROOT)
        | {"HOME": str(world.folder), "AIOS_BOT_NODE_STATE": str(world.state.folder), "AIOS_BOT_NODE_WATCH": "1"},
        input=sign_order(order, world.key),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd=world.folder,
    )
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def before() -> Iterator[Path]:
    with previous_version() as program:
        yield program


def test_each_version_goes_on_where_the_other_left_the_node(
    engine: Engine, empty_node: tuple[NodeWorld, CheckoutPosition], before: Path
) -> None:
    world, first = empty_node
    code, said = carry_out(world, engine, world.order(first, CREATE_ALL), before=before)
    assert code == ExitCode.OK, said
    headers = world.push(server_files(world.prefix, headers="two"))
    code, said = carry_out(world, engine, world.order(headers, NOTHING), before=None)
    assert code == ExitCode.OK, said
    third = world.push(server_files(world.prefix, headers="three"))
    code, said = carry_out(world, engine, world.order(third, NOTHING), before=before)
    assert code == ExitCode.OK, said
    records = world.state.read_record()
    assert [type(record).__name__ for record in records] == ["Begun", "Touching", "Finished"] * 3
    assert world.checkout_position() == third
    again = world.order(third, NOTHING, number=world.number)
    code, said = carry_out(world, engine, again, before=None)
    assert (code, said.startswith("refused (already_used)")) == (ExitCode.REFUSED, True), said


def test_an_order_that_requires_something_new_is_refused_by_both_with_the_cure(
    engine: Engine, empty_node: tuple[NodeWorld, CheckoutPosition], before: Path
) -> None:
    world, first = empty_node
    order = world.order(first, CREATE_ALL, requires=("something-new",))
    for program in (before, None):
        code, said = carry_out(world, engine, order, before=program)
        assert code == ExitCode.REFUSED, said
        assert "update aios-bot on this node" in said
    assert "refused (requires_update)" in said
    assert world.containers() == {}
    assert world.state.read_record() == ()
