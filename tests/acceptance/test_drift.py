"""Somebody changes a node by hand: one issue tells it, and closes itself when the node is as it was left."""

from __future__ import annotations

from typing import Any

from bot.agent.state import Finished, NodeState
from bot.storage.keyfiles import ORDERS_PUBLIC
from sandbox.engine import Engine
from sandbox.runner import Runner
from sandbox.world import FLEET, IMAGES, NODE, PERSON
from tests.acceptance.conftest import Running
from tests.acceptance.outside import eventually
from tests.acceptance.test_bump import bump
from tests.acceptance.test_deploy import final_state, merge
from tests.openapi import Exchange, complaints, judge_exchange

LIMIT = 240  # seconds
SERVICE = "ingress-whoami-1"


def issues(running: Running, state: str) -> list[Any]:
    found = running.outside.get(f"/repos/{FLEET}/issues", state=state)
    return [issue for issue in found if "pull_request" not in issue]


def test_a_change_by_hand_becomes_an_issue_that_closes_itself(running: Running, engine: Engine) -> None:
    for image in (name for name in IMAGES if "traefik" in name):
        engine.make_image(image, version=IMAGES[image])
    text = (running.world.checkouts / "aios-win/.github/aios-bot.yml").read_text()
    one_stack = text.rstrip() + "\n    stacks: [ingress]\n"
    running.world.push(FLEET, {".github/aios-bot.yml": one_stack}, "One stack")
    state = running.folder / "node/state"
    NodeState(state).trust(running.service.data / "keys" / ORDERS_PUBLIC, fleet=FLEET, node=NODE, root=None)
    with Runner(
        running.world.hub,
        labels=("self-hosted", NODE),
        state=state,
        environment=engine.environment,
        folder=running.folder / "runner",
        act="",
    ):
        _, pull = bump(running)
        commit = merge(running, pull["number"])
        states = eventually("the deployment", lambda: final_state(running, commit), seconds=LIMIT)
        assert states[-1] == "success"

        engine.docker("stop", SERVICE)
        asking = one_stack + "drift: {every: 2s}\n"
        running.world.push(FLEET, {".github/aios-bot.yml": asking}, "Ask often")
        (issue,) = eventually("the issue", lambda: issues(running, "open"), seconds=LIMIT)
        assert NODE in issue["title"]
        assert "whoami" in issue["body"]
        assert "missing" in issue["body"]
        assert engine.docker("inspect", "--format", "{{.State.Running}}", SERVICE) == "false"  # it only looks

        assert f"comment <code>/deploy {NODE}</code> on #{pull['number']}" in issue["body"]
        running.world.hub.comment(FLEET, pull["number"], f"/deploy {NODE}", by=PERSON)
        closed = eventually("its end", lambda: issues(running, "closed"), seconds=LIMIT)
        assert [one["number"] for one in closed] == [issue["number"]]
        assert engine.docker("inspect", "--format", "{{.State.Running}}", SERVICE) == "true"

        engine.docker("stop", SERVICE)
        again = eventually("the same issue once more", lambda: issues(running, "open"), seconds=LIMIT)
        assert [one["number"] for one in again] == [issue["number"]]
        running.world.push(FLEET, {".github/aios-bot.yml": one_stack + "drift: {every: 0s}\n"}, "Ask no more")
        eventually("its end", lambda: not issues(running, "open"), seconds=LIMIT)
    running.world.hub.wait_for_deliveries()
    asked = [r for r in NodeState(state).read_record() if isinstance(r, Finished)]
    assert len(asked) >= 4
    left = running.outside.get(f"/repos/{FLEET}/deployments")
    assert len([one for one in left if one["task"].startswith("drift:")]) <= 2  # answered questions are cleared away
    rest = [r for r in running.world.hub.requests if r.kind == "rest"]
    seen = [r for r in rest if r.route.endswith(("/issues", "/issues/{number}")) or r.method == "DELETE"]
    judged = [judge_exchange(Exchange(r.method, r.path, r.status, r.body)) for r in seen]
    assert judged
    assert not complaints(judged)
