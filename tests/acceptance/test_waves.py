"""Two nodes in two waves: two engines on one machine, each with its own runner. A failed wave halts the rest."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bot.agent.state import NodeState
from bot.features.outbox.store import Outbox
from bot.service.database import open_store
from bot.storage.keyfiles import ORDERS_PUBLIC
from sandbox.engine import Engine, start_engine
from sandbox.runner import Runner
from sandbox.world import FLEET, IMAGES
from tests.acceptance.conftest import Running
from tests.acceptance.outside import eventually
from tests.acceptance.test_bump import bump
from tests.acceptance.test_deploy import containers, merge

FIRST, SECOND = "AIOS", "HP_LAB"
LIMIT = 240  # seconds that a machine under load may take for a wave
FLEET_FILE = """\
version: 1
deploy:
  waves: [[{first}], [{second}]]
submodules:
  server: {{}}
nodes:
  {first}: {{root: "{folder}/{first}/checkout", stacks: [ingress]}}
  {second}: {{root: "{folder}/{second}/checkout", stacks: [ingress]}}
"""


class Fleet(NamedTuple):
    """The running world with two nodes; `engines` by the node's name."""

    running: Running
    engines: dict[str, Engine]

    def runner(self, node: str) -> Runner:
        """The runner stand-in of `node`, whose node trusts the bot's key. Enter it to let it take jobs."""
        state = self.running.folder / node / "state"
        if not state.exists():
            key = self.running.service.data / "keys" / ORDERS_PUBLIC
            NodeState(state).trust(key, fleet=FLEET, node=node, root=None)
        folder = Path(tempfile.mkdtemp(dir=self.running.folder))
        environment = self.engines[node].environment
        return Runner(
            self.running.world.hub,
            labels=("self-hosted", node),
            state=state,
            environment=environment,
            folder=folder,
            act="",
        )

    def orders(self, commit: str) -> dict[str, list[str]]:
        """Each node's states for `commit`."""
        return self.running.outside.deployment_states(FLEET, commit)

    def comment(self, number: int, words: str) -> str:
        """The rollout's comment, once it holds `words`."""

        def told() -> str:
            said = (c["body"] for c in self.running.outside.comments(FLEET, number))
            return next((body for body in said if "aios-bot:rollout" in body and words in body), "")

        return eventually(f"the comment with {words!r}", told, seconds=LIMIT)

    def conditions(self) -> set[tuple[str, str]]:
        """What the service would notify people of: topic and node."""
        store = open_store(f"sqlite:///{self.running.service.data / 'aios-bot.sqlite3'}", make=False)
        try:
            found = Outbox(store).find_all()
        finally:
            store.close()
        return {(one.notice.topic.value, one.notice.subject) for one in found if one.notice.topic != "approval_waits"}

    def runs(self, node: str) -> dict[str, Any]:
        """Id and start time of each container of `node`."""
        found = containers(self.engines[node])
        return {name: (one["Id"], one["State"]["StartedAt"]) for name, one in found.items()}


@pytest.fixture
def fleet(running: Running, engine: Engine) -> Iterator[Fleet]:
    root = Path(tempfile.mkdtemp(prefix="aios-second-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, root, ignore_errors=True)
        engines = {FIRST: engine, SECOND: stack.enter_context(start_engine(root))}
        for one in engines.values():
            for image in (name for name in IMAGES if "traefik" in name):
                one.make_image(image, version=IMAGES[image])
        text = FLEET_FILE.format(first=FIRST, second=SECOND, folder=running.folder)
        running.world.push(FLEET, {".github/aios-bot.yml": text}, "Two nodes in two waves")
        yield Fleet(running, engines)


def test_the_second_wave_waits_for_the_first_and_a_failed_one_halts_it(fleet: Fleet) -> None:
    with fleet.runner(FIRST), fleet.runner(SECOND):
        _, pull = bump(fleet.running)
        good = merge(fleet.running, pull["number"])
        words = fleet.comment(pull["number"], "2 of 2 nodes run")
        assert "planned" in words
        assert fleet.orders(good) == {node: ["queued", "in_progress", "success"] for node in (FIRST, SECOND)}
        first, second = (_times(fleet, good, node) for node in (FIRST, SECOND))
        assert second["queued"] >= first["success"]

        before = fleet.runs(SECOND)
        assert sorted(before) == ["ingress-traefik-1", "ingress-whoami-1"]
        _, pull = bump(fleet.running, "- --providers.docker=true", '- "false"')  # it ends at once, each time
        bad = merge(fleet.running, pull["number"])
        words = fleet.comment(pull["number"], "halted: wave 1 of 2 failed")
        assert "0 of 2 nodes run" in words
        assert "wave 1 failed" in words.split(SECOND)[1]
    fleet.running.world.hub.wait_for_deliveries()
    assert fleet.orders(bad) == {FIRST: ["queued", "in_progress", "failure"]}
    assert fleet.runs(SECOND) == before
    assert fleet.conditions() == {("deploy_failed", FIRST), ("not_deployed", SECOND)}
    print(
        f"\nwave 1 ({FIRST}) failed and went back; {SECOND} keeps its {len(before)} containers, ids and start times"
    )


def test_a_node_that_was_away_gets_the_newest_order_and_no_other(fleet: Fleet) -> None:
    with fleet.runner(FIRST):
        _, pull = bump(fleet.running)
        missed = merge(fleet.running, pull["number"])
        eventually("the order for the absent node", lambda: fleet.orders(missed).get(SECOND), seconds=LIMIT)
        _, pull = bump(fleet.running, "TRAEFIK_LOG_LEVEL: INFO", "TRAEFIK_LOG_LEVEL: DEBUG")
        newest = merge(fleet.running, pull["number"])
        eventually("the newest order", lambda: fleet.orders(newest).get(SECOND), seconds=LIMIT)
        assert fleet.orders(missed)[SECOND] == ["queued", "inactive"]
    with fleet.runner(SECOND):
        fleet.comment(pull["number"], "2 of 2 nodes run")
    assert fleet.orders(missed)[SECOND] == ["queued", "inactive"]
    assert fleet.orders(newest)[SECOND] == ["queued", "in_progress", "success"]
    taken = NodeState(fleet.running.folder / SECOND / "state").read_record()
    assert {record.order.commit for record in taken if hasattr(record, "order")} == {newest}


def _times(fleet: Fleet, commit: str, node: str) -> dict[str, str]:
    """When the node's order for `commit` reached each state."""
    outside = fleet.running.outside
    (deployment,) = outside.get(f"/repos/{FLEET}/deployments", sha=commit, environment=node)
    statuses = outside.get(f"/repos/{FLEET}/deployments/{deployment['id']}/statuses")
    return {status["state"]: status["created_at"] for status in statuses}
