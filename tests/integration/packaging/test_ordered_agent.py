"""An order names its agent by a signed hash; the installed agent fetches, checks and switches to it, or nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bot.agent import installer, other_program
from bot.agent.checkout import CheckoutPosition
from bot.agent.deploy import deploy
from bot.agent.installer import python_in, read_current, switch
from bot.agent.other_program import OtherProgram, hand_over, program_folder
from bot.agent.state import Begun, Finished
from bot.domain.errors import ExitCode
from bot.domain.names import CommitSha
from bot.features.rollout.apply.signing import sign_order
from bot.protocol.agent import AgentRelease
from bot.protocol.order import Order, RefusalReason
from bot.protocol.outcome import OrderEnd, Outcome
from sandbox.engine import Engine
from tests.integration.packaging.test_installer import TAMPERING
from tests.nodeworld import FLEET, NODE, NodeWorld
from tests.releases import Place, Release, build_next

AT = CheckoutPosition(CommitSha("a" * 40), CommitSha("b" * 40))
MARK = 'import sys\nsys.stderr.write("this is the next version\\n")\n'


@pytest.fixture
def world(tmp_path: Path) -> NodeWorld:
    """A node that trusts a key and has no engine: an order gets as far as the engine's check."""
    made = NodeWorld(tmp_path, cast(Engine, SimpleNamespace(environment={})), "p")
    keyfile = tmp_path / "orders.pub.pem"
    keyfile.write_bytes(made.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    made.state.trust(keyfile, fleet=FLEET, node=NODE, root=None)
    return made


def order_with(world: NodeWorld, agent: AgentRelease) -> Order:
    return world.order(AT, {}, agent=agent, requires=("agent",))


def named(release: Release) -> AgentRelease:
    return AgentRelease(version=release.version, url=release.url, lock=release.lock)


def run_joined(world: NodeWorld, order: Order) -> subprocess.CompletedProcess[str]:
    """The node's installed program, as its runner's job runs it: with the order in a variable."""
    environment = os.environ | {"AIOS_BOT_ORDER": sign_order(order, world.key), "DOCKER_HOST": "unix:///nowhere"}
    program = program_folder(world.node()) / "aios-bot"
    command = [str(program), "node", "deploy", "--state", str(world.state.folder)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd="/")


def begun(world: NodeWorld) -> list[int]:
    return [one.order.number for one in world.state.read_record() if isinstance(one, Begun)]


def test_the_installed_agent_switches_to_the_one_that_a_signed_order_names(
    world: NodeWorld, place: Place, installed_folder: Path
) -> None:
    folder, first = program_folder(world.node()), place.release("v1")
    shutil.copytree(installed_folder, folder, symlinks=True)
    build_next(place.folder, "v2", version="0.2.0", change=MARK)
    second = place.release("v2")
    assert second.lock != first.lock

    order = order_with(world, named(second))
    start = time.monotonic()
    done = run_joined(world, order)
    print(f"an order that brings its agent: {time.monotonic() - start:.1f} s")
    assert "this is the next version" in done.stderr, "it is carried out by the agent that it names"
    assert "nothing was touched: the Docker Engine cannot be reached" in done.stdout
    assert done.returncode == ExitCode.FAILED
    assert begun(world) == [order.number], "the number is used once, by the one that carries it out"
    assert read_current(folder) == second.lock
    kept = {path.name for path in folder.iterdir()}
    assert kept == {first.lock, second.lock, "current", "previous", "aios-bot"}

    place.asked.clear()
    start = time.monotonic()
    again = run_joined(world, order_with(world, named(second)))
    print(f"the next one: {time.monotonic() - start:.1f} s")
    assert "this is the next version" in again.stderr
    run_joined(world, order_with(world, named(first)))
    assert read_current(folder) == first.lock, "and back to the last good one, which is still there"
    assert place.asked == [], "no registry is needed for an agent that is there"


def assert_not_updated(world: NodeWorld, order: Order, outcome: Outcome) -> None:
    assert outcome.end is OrderEnd.UNTOUCHED
    assert outcome.text.startswith("agent not updated to ")
    assert "nothing was touched" in outcome.text
    assert [(number, state) for number, state, _ in world.posted] == [(order.number, "failure")]
    assert world.posted[0][2].startswith("agent not updated to ")
    finished = [one for one in world.state.read_record() if isinstance(one, Finished)]
    assert [(one.number, one.end) for one in finished] == [(order.number, OrderEnd.UNTOUCHED)]
    again = world.deploy(order)
    assert again.refusal is RefusalReason.ALREADY_USED


@pytest.mark.parametrize(
    "case",
    [
        "a changed lock",
        "a changed byte in the agent's wheel",
        "a registry that serves another file",
        "no release there",
    ],
)
def test_an_agent_that_was_tampered_with_ends_the_order_with_nothing_touched(
    world: NodeWorld, place: Place, case: str
) -> None:
    tamper, words = TAMPERING[case]
    good = "f" * 64
    make_fake(world, good, "exit 0")
    switch(program_folder(world.node()), good)
    order = order_with(world, named(place.release("v1")))
    tamper(place)
    outcome = world.deploy(order)
    assert words in outcome.text
    assert_not_updated(world, order, outcome)
    assert read_current(program_folder(world.node())) == good, "the last good one stays"


def test_an_order_of_another_key_fetches_nothing(world: NodeWorld, place: Place) -> None:
    order = order_with(world, named(place.release("v1")))
    outcome = deploy(sign_order(order, Ed25519PrivateKey.generate()), world.node())
    assert outcome.refusal is RefusalReason.BAD_SIGNATURE
    envelope = json.loads(sign_order(order, world.key))
    envelope["payload"] = envelope["payload"].replace("A", "B", 1)
    assert deploy(json.dumps(envelope), world.node()).refusal is RefusalReason.BAD_SIGNATURE
    assert place.asked == []
    assert not program_folder(world.node()).exists()


@pytest.mark.parametrize(
    "change", [{"expires": 1}, {"node": "OTHER"}, {"fleet": "o/other"}, {"requires": ("agent", "later")}]
)
def test_an_order_that_is_refused_brings_no_agent(world: NodeWorld, place: Place, change: dict[str, object]) -> None:
    order = world.order(AT, {}, agent=named(place.release("v1")), **change)
    assert world.deploy(order).end is OrderEnd.REFUSED
    assert place.asked == []


def make_fake(world: NodeWorld, lock: str, script: str) -> Path:
    """An agent that is installed as `lock`, whose Python is a shell script."""
    home = program_folder(world.node()) / lock
    python = python_in(home)
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    (home / installer.WHOLE).touch()
    return home


def handed_over(world: NodeWorld, order: Order, environment: dict[str, str] | None = None) -> int | Outcome:
    envelope = sign_order(order, world.key)
    with pytest.raises(OtherProgram) as other:
        deploy(envelope, world.node())
    assert begun(world) == []
    return hand_over(world.node(), other.value, envelope, ("--state", "x"), environment or {})


@pytest.mark.parametrize("code", [ExitCode.OK, ExitCode.FAILED, ExitCode.REFUSED])
def test_the_exit_code_is_that_of_the_agent_which_carried_it_out(
    world: NodeWorld, tmp_path: Path, code: ExitCode
) -> None:
    make_fake(
        world,
        "e" * 64,
        f'echo "$ODD $@" >{tmp_path}/told; printf %s "$AIOS_BOT_ORDER" >>{tmp_path}/told; exit {code}',
    )
    order = order_with(world, AgentRelease("2", "http://127.0.0.1:1", "e" * 64))
    assert handed_over(world, order, {"ODD": "kept"}) == code
    told = (tmp_path / "told").read_text()
    assert told == f"kept -I -m bot node deploy --state x\n{sign_order(order, world.key)}"
    assert world.posted == []


def test_one_that_ends_like_a_broken_program_is_put_back(world: NodeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    own, broken = "d" * 64, "e" * 64
    make_fake(world, own, "exit 0")
    folder = program_folder(world.node())
    switch(folder, own)
    make_fake(world, broken, "exit 3")
    monkeypatch.setattr(other_program, "read_own_lock", lambda: own)
    order = order_with(world, AgentRelease("2", "http://127.0.0.1:1", broken))
    outcome = handed_over(world, order)
    assert isinstance(outcome, Outcome)
    assert "it ended with 3" in outcome.text
    assert_not_updated(world, order, outcome)
    assert read_current(folder) == own


def test_one_that_cannot_be_started_leaves_a_program_of_another_kind_in_place(world: NodeWorld) -> None:
    home = make_fake(world, "e" * 64, "exit 0")
    python_in(home).unlink()
    order = order_with(world, AgentRelease("2", "http://127.0.0.1:1", "e" * 64))
    outcome = handed_over(world, order)
    assert isinstance(outcome, Outcome)
    assert_not_updated(world, order, outcome)
    assert read_current(program_folder(world.node())) == ""


def test_one_that_broke_after_it_took_the_order_up_is_not_told_as_untouched(world: NodeWorld) -> None:
    make_fake(world, "e" * 64, "exit 3")
    order = order_with(world, AgentRelease("2", "http://127.0.0.1:1", "e" * 64))
    envelope = sign_order(order, world.key)
    with pytest.raises(OtherProgram) as other:
        deploy(envelope, world.node())
    world.state.begin(order, now=world.clock)
    assert hand_over(world.node(), other.value, envelope, (), {}) == ExitCode.BUG
    assert world.posted == []


def test_an_order_that_names_this_agent_is_carried_out_by_it(
    world: NodeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(other_program, "read_own_lock", lambda: "e" * 64)
    order = order_with(world, AgentRelease("2", "http://127.0.0.1:1", "e" * 64))
    outcome = world.deploy(order)
    assert begun(world) == [order.number]
    assert "agent" not in outcome.text
