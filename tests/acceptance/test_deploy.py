"""A merge becomes a deployed node: webhook in over HTTP, real git, compose and engine, the workflow run by act.

What is asserted is the world outside: containers, files, GitHub.
"""

from __future__ import annotations

import json
import re
import shutil
from typing import Any

import pytest

from bot.domain.names import NodeName, RepoName
from bot.features.rollout.facts import Stage
from bot.features.rollout.history import OrderEntry, OrderHistory
from bot.service.database import open_store
from sandbox.demo import start_runner
from sandbox.engine import Engine
from sandbox.world import FLEET, IMAGES, NODE, PERSON, SERVER
from tests.acceptance.conftest import Running
from tests.acceptance.outside import eventually
from tests.acceptance.test_bump import bump

PROMETHEUS = "stacks/observability/prometheus/prometheus.yml"
MERGE_SECONDS = 120


def merge(running: Running, number: int) -> str:
    return running.world.hub.merge_pull(FLEET, number, by=PERSON)


def final_state(running: Running, commit: str) -> list[str] | None:
    states = running.outside.deployment_states(FLEET, commit).get(NODE, [])
    return states if states and states[-1] in ("success", "failure", "error") else None


def containers(engine: Engine) -> dict[str, dict[str, Any]]:
    """What runs, by container name, as docker tells it."""
    ids = engine.docker("ps", "--all", "--quiet").split()
    found = json.loads(engine.docker("inspect", *ids)) if ids else []
    return {one["Name"].lstrip("/"): one for one in found}


def starts(engine: Engine) -> dict[str, tuple[str, str]]:
    """Which containers there are and since when, by name: what differs once anything was touched."""
    return {name: (one["Id"], one["State"]["StartedAt"]) for name, one in containers(engine).items()}


@pytest.fixture
def images(engine: Engine) -> None:
    for image, version in IMAGES.items():
        engine.make_image(image, version=version)
    ids = engine.docker("ps", "--all", "--quiet").split()
    if ids:
        engine.docker("rm", "--force", *ids)


@pytest.mark.usefixtures("images")
def test_the_merge_deploys_by_the_real_workflow(running: Running, engine: Engine) -> None:
    assert shutil.which("act"), "act is missing: run tools/setup test"
    world, outside = running.world, running.outside
    with start_runner(world.hub, engine, running.folder, running.service.data) as runner:
        assert "act" in runner.how
        pushed, pull = bump(running)
        commit = merge(running, pull["number"])
        states = eventually("the deployment", lambda: final_state(running, commit), seconds=MERGE_SECONDS)
        assert states == ["queued", "in_progress", "success"], log_of_the_job(running)

        first = containers(engine)
        traefik = first["ingress-traefik-1"]
        assert traefik["Config"]["Image"] == "traefik:v3.2"
        assert traefik["State"]["Health"]["Status"] == "healthy"
        assert sorted(first) == [
            "ingress-traefik-1",
            "ingress-whoami-1",
            "observability-grafana-1",
            "observability-loki-1",
            "observability-prometheus-1",
            "secrets-vault-1",
        ]
        assert world.git(running.node_root, "rev-parse", "HEAD") == commit
        assert world.git(running.node_root / "server", "rev-parse", "HEAD") == pushed

        # A mounted file only: compose itself would not see it.
        state = running.node_root / "server/stacks/ingress/acme.json"
        state.write_text("untracked state of the node")
        _, pull = bump_file(running, PROMETHEUS, "15s", "30s")
        commit = merge(running, pull["number"])
        eventually("the second deployment", lambda: final_state(running, commit), seconds=MERGE_SECONDS)
        second = containers(engine)
        started = {name: one["State"]["StartedAt"] for name, one in first.items()}
        moved = {name for name, one in second.items() if one["State"]["StartedAt"] != started[name]}
        assert moved == {"observability-prometheus-1"}
        assert state.read_text() == "untracked state of the node"

    def told() -> Any:
        (comment,) = [c for c in outside.comments(FLEET, pull["number"]) if "aios-bot:rollout" in c["body"]]
        return comment if "</code> runs server `" in comment["body"] else None

    comment = eventually("the comment's last word", told)
    assert comment["user"]["login"] == "aios-bot[bot]"
    kept = eventually("both orders in the history", lambda: kept_orders(running, logs=2))
    assert [(one.order.stage, one.order.by_merge) for one in kept] == [(Stage.SUCCEEDED, True)] * 2
    assert kept[0].order.pull == pull["number"]
    assert all(one.report and one.report.engine.startswith("Docker Engine") for one in kept)
    assert all(re.match(r"success: runs [a-z0-9, ]+ of server@", one.log) for one in kept)
    statuses = outside.get(f"/repos/{FLEET}/deployments", sha=commit)[0]["statuses_url"]
    newest = outside.get(statuses.removeprefix(outside.url))[0]
    assert newest["log_url"].startswith(f"{world.hub.url}/{FLEET}/actions/runs/")


def kept_orders(running: Running, *, logs: int) -> tuple[OrderEntry, ...] | None:
    """The node's history as its page shows it, once so many deploys' logs are in it."""
    store = open_store(f"sqlite:///{running.service.data / 'aios-bot.sqlite3'}")
    try:
        found = OrderHistory(store).find_orders(RepoName(FLEET), NodeName(NODE))
        return found if sum(bool(one.log) for one in found) == logs else None
    finally:
        store.close()


def bump_file(running: Running, name: str, old: str, new: str) -> tuple[str, Any]:
    pushed = running.world.edit(SERVER, name, old, new, f"{name}: {new}")

    def proposed() -> Any:
        pulls = running.outside.pulls(FLEET)
        return next((p for p in pulls if running.outside.pin(FLEET, p["head"]["sha"]) == pushed), None)

    return pushed, eventually("the pull request", proposed)


def log_of_the_job(running: Running) -> str:
    run = running.outside.get(f"/repos/{FLEET}/actions/runs")["workflow_runs"][0]
    import requests

    return requests.get(run["html_url"], timeout=10).text


@pytest.mark.usefixtures("images")
def test_a_failed_deploy_is_told_with_its_reason(running: Running, engine: Engine) -> None:
    with start_runner(running.world.hub, engine, running.folder, running.service.data):
        _, pull = bump(running, "traefik:v3.1", "traefik:does-not-exist")
        commit = merge(running, pull["number"])
        states = eventually("the deployment", lambda: final_state(running, commit), seconds=MERGE_SECONDS)
    assert states[-1] == "failure"

    def told() -> Any:
        said = [c["body"] for c in running.outside.comments(FLEET, pull["number"])]
        return [body for body in said if "aios-bot:rollout" in body and "❌" in body]

    (comment,) = eventually("the word of the failure", told)
    assert "traefik" in comment
    assert "</code> does not run server `" in comment


def test_a_dispatch_without_the_bots_signature_touches_nothing(running: Running, engine: Engine) -> None:
    """Anybody with actions: write may start the workflow; the node obeys only the bot's orders."""
    before = starts(engine)
    with start_runner(running.world.hub, engine, running.folder, running.service.data):
        inputs = {"order": '{"payload": "e30=", "payloadType": "x", "signatures": []}', "node": NODE}
        inputs |= {"labels": json.dumps(["self-hosted", NODE]), "deployment_id": "1"}
        body = {"ref": "main", "inputs": inputs, "return_run_details": True}
        run = running.outside.send("POST", f"/repos/{FLEET}/actions/workflows/deploy.yml/dispatches", body)
        path = f"/repos/{FLEET}/actions/runs/{run['workflow_run_id']}"
        ended = eventually(
            "the end of the run",
            lambda: (found := running.outside.get(path))["status"] == "completed" and found,
            seconds=MERGE_SECONDS,
        )
    assert ended["conclusion"] == "failure"
    assert starts(engine) == before
    assert not running.node_root.exists()
