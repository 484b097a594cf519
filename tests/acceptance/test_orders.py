"""Orders that no node takes: each gets its last word, with its reason. No engine is needed."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.github import Fault
from sandbox.world import FLEET, NODE
from tests.acceptance.conftest import Running
from tests.acceptance.outside import eventually
from tests.acceptance.talk import carry_out
from tests.acceptance.test_bump import bump
from tests.acceptance.test_deploy import merge
from tests.openapi import Exchange, complaints, judge_exchange

LIMIT = 120  # seconds


def newest(running: Running, commit: str) -> Any:
    """The newest status of the node's deployment of `commit`."""
    for deployment in running.outside.get(f"/repos/{FLEET}/deployments", sha=commit):
        for status in running.outside.get(f"/repos/{FLEET}/deployments/{deployment['id']}/statuses"):
            return status
    return None


def failed(running: Running, commit: str) -> Any:
    def found() -> Any:
        status = newest(running, commit)
        return status if status and status["state"] == "error" else None

    return eventually("the last word on the order", found, seconds=LIMIT)


def comment(running: Running, number: int, words: str) -> str:
    def told() -> str:
        said = (c["body"] for c in running.outside.comments(FLEET, number))
        return next((body for body in said if "aios-bot:rollout" in body and words in body), "")

    return eventually(f"the comment with {words!r}", told, seconds=LIMIT)


def judged(running: Running, *words: str) -> None:
    """GitHub's own description finds nothing wrong in what the embedded one answered to requests with `words`."""
    rest = [r for r in running.world.hub.requests if r.kind == "rest"]
    for word in words:
        seen = [r for r in rest if word in r.path]
        assert seen, word
        assert not complaints([judge_exchange(Exchange(r.method, r.path, r.status, r.body)) for r in seen])


def test_an_environment_with_custom_rules_is_named_as_the_cause(running: Running) -> None:
    running.world.hub.protect_environment(FLEET, NODE, ["required_reviewers", "a-gate-of-somebodys"])
    _, pull = bump(running)
    commit = merge(running, pull["number"])
    assert "custom protection rules" in failed(running, commit)["description"]
    assert "halted: a node failed" in comment(running, pull["number"], "custom protection rules")
    judged(running, "/environments/", "/actions/runs/")


@pytest.mark.parametrize("rules", [(), ("required_reviewers", "wait_timer", "branch_policy")])
def test_a_person_who_cancels_the_run_has_ended_the_order(running: Running, rules: tuple[str, ...]) -> None:
    """Its queue is the bot's, and not Actions': what a person ended is not begun again."""
    running.world.hub.protect_environment(FLEET, NODE, rules)
    _, pull = bump(running)
    commit = merge(running, pull["number"])
    comment(running, pull["number"], "runner")
    (run,) = running.outside.get(f"/repos/{FLEET}/actions/runs")["workflow_runs"]
    running.outside.send("POST", f"/repos/{FLEET}/actions/runs/{run['id']}/cancel")
    status = failed(running, commit)
    assert status["description"] == "its workflow run ended (cancelled) before the node accepted it"
    comment(running, pull["number"], "halted: a node failed")
    assert len(running.outside.get(f"/repos/{FLEET}/actions/runs")["workflow_runs"]) == 1
    judged(running, "/cancel", "/deployments")


def test_an_order_that_waits_is_told_to_be_offline_at_its_time(running: Running) -> None:
    text = (running.world.checkouts / "aios-win/.github/aios-bot.yml").read_text()
    running.world.push(FLEET, {".github/aios-bot.yml": text + "deploy: {offline_after: 2s}\n"}, "Impatient")
    _, pull = bump(running)
    commit = merge(running, pull["number"])
    words = comment(running, pull["number"], "offline")
    assert "waiting for nodes that are away" in words
    assert newest(running, commit)["state"] == "queued"


def test_a_merge_that_the_next_one_overtook_before_its_end_was_told_is_told_of_all_the_same(running: Running) -> None:
    hub = running.world.hub
    _, first = bump(running)
    mute = Fault(lambda _method, path: path.endswith(f"/issues/{first['number']}/comments"), 503, times=10**6)
    merge(running, first["number"])
    hub.faults.append(mute)
    carry_out(running)
    eventually("a refused comment", lambda: mute.played, seconds=LIMIT)
    _, second = bump(running, "whoami:v1.10", "whoami:v1.11")
    merge(running, second["number"])
    carry_out(running)
    hub.faults.clear()
    assert "</code> runs server `" in comment(running, first["number"], f"#{second['number']} superseded it")
    comment(running, second["number"], "</code> runs server `")
