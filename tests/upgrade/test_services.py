"""The service of the version before and this one's, on one database; and the orders that each of them signs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from bot.agent.verify import verify_order
from bot.domain.names import NodeName, RepoName
from bot.envelope.keys import parse_public_key
from bot.protocol.order import Order
from sandbox.service import free_port
from sandbox.world import FLEET, NODE
from tests.faults.flows import Flows, flows, in_background
from tests.integration.postgres import make_database, postgres_server
from tests.upgrade.versions import ROOT, environment_of, previous_version, run_program

VERIFY_BEFORE = """
import json, sys, time
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from bot.node.order import Order, verify_order
given = json.load(sys.stdin)
keys = [load_pem_public_key(given["key"].encode())]
answers = [
    verify_order(one, public_keys=keys, fleet=given["fleet"], node=given["node"], now=time.time(), last_number=0)
    for one in given["envelopes"]
]
print(json.dumps([answer.commit if isinstance(answer, Order) else answer.text for answer in answers]))
"""


def operate(program: Path, data: Path, *arguments: str) -> str:
    """What a command of that version's program prints."""
    done = subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        env=os.environ | environment_of(program) | {"AIOS_BOT_DATA": str(data)},
        cwd=data,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check_envelopes(world: Flows, data: Path, before: Path) -> None:
    """Every order that was signed says the same to nodes of both versions, or is refused with words by the older."""
    signing = load_pem_private_key((data / "keys/orders.pem").read_bytes(), password=None)
    key = signing.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    envelopes = world.node.envelopes
    commits: list[str] = []
    answers: list[str] = []
    for envelope in envelopes:
        order = verify_order(
            envelope,
            public_keys=[parse_public_key(key)],
            fleet=RepoName(FLEET),
            node=NodeName(NODE),
            now=time.time(),
            last_number=0,
        )
        assert isinstance(order, Order), order
        # The first order of a node that never reported: one that cannot compare the files refuses it with words.
        unread = "an order that this version cannot read (Object contains unknown field `tree`): update aios-bot on "
        assert not (order.tree and commits)
        answers.append(unread + "this node" if order.tree else order.commit)
        commits.append(order.commit)
    given = {"key": key.decode(), "fleet": FLEET, "node": NODE, "envelopes": envelopes}
    assert run_program(before, VERIFY_BEFORE, given) == answers
    assert set(commits) == set(world.merged)


def test_this_version_goes_on_with_the_files_and_the_backup_of_the_version_before(tmp_path: Path) -> None:
    """On SQLite: one version after the other, over a backup. What was proposed before is merged afterwards."""
    with previous_version() as before, flows() as world:
        old = world.start(program=before)
        world.merge(world.push("# by the version before\n"))
        pushed = world.push("# proposed by one version, merged under the next\n")
        number = world.wait_for_proposal(pushed)
        world.end(old)
        data, backup = old.data, tmp_path / "backup.tar.gz"
        operate(before, data, "backup", str(backup))
        data.rename(tmp_path / "lost")
        data.mkdir()
        said = operate(ROOT, data, "restore", str(backup))
        assert "deliveries" in said
        world.start()
        assert world.wait_for_proposal(pushed) == number
        world.merge(pushed)
        world.settle()
        print(f"\nbegun by the version before, gone on with by this one: {world.check()}")
        check_envelopes(world, data, before)


@pytest.mark.timeout(600)
def test_both_versions_work_side_by_side_on_one_database() -> None:
    """On PostgreSQL, as in a rolling upgrade; then the old one goes, and comes back once more.

    The job of a merge says which merge it follows, which the version before cannot read: it fails the job, and a
    replica tries it again 2, 10, 60 and 600 seconds later. When the old one takes it each time the order is late, so
    the whole is tried once more.
    """
    try:
        work_side_by_side()
    except AssertionError as problem:
        if "the node did not come" not in str(problem):
            raise
        work_side_by_side()


def work_side_by_side() -> None:
    """Both versions on one database while people push and merge; everything that was promised is checked."""
    with previous_version() as before, postgres_server() as server:
        database = make_database(server, "bot")
        with flows(database) as world:
            old = world.start(program=before)
            world.start(port=free_port())
            people, problems = in_background(lambda: world.push_and_merge(1))
            people.join()
            assert problems == []
            world.end(old)
            world.start(program=before)
            world.push_and_merge(1)
            world.settle()
            print(f"\nboth versions on one database: {world.check()}")
            check_envelopes(world, old.data, before)
