"""People talking to the bot in the embedded GitHub, and a node's job played by hand."""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple

import requests

from sandbox.github import Job
from sandbox.world import FLEET, NODE, PERSON
from tests.acceptance.conftest import Running
from tests.acceptance.outside import eventually
from tests.graphql_judge import judge_graphql
from tests.openapi import Exchange, complaints, judge_exchange, judge_webhook

SECONDS = 40


def say(running: Running, number: int, text: str, *, by: str = PERSON) -> int:
    """Comment; the comment's id."""
    return running.world.hub.comment(FLEET, number, text, by=by)


def find_reply(running: Running, number: int, comment: int) -> str | None:
    """The bot's reply to a comment."""
    marker = f"<!-- aios-bot:reply comment:{comment} "
    found = [c for c in running.outside.comments(FLEET, number) if marker in c["body"]]
    assert len(found) <= 1, "more than one reply"
    return str(found[0]["body"]) if found else None


def answer(running: Running, number: int, text: str, *, by: str = PERSON, holds: str = "") -> str:
    """Say it, and wait for the reply that holds a text."""
    comment = say(running, number, text, by=by)

    def told() -> str | None:
        body = find_reply(running, number, comment)
        return body if body and holds in body else None

    return eventually(f"the answer to {text} with {holds!r}", told, seconds=SECONDS)


class Order(NamedTuple):
    """A dispatched order, as the node's job holds it."""

    job: Job
    order: dict[str, Any]

    @property
    def number(self) -> int:
        return int(self.order["number"])


def take_order(running: Running, node: str = NODE, *, seconds: float = SECONDS) -> Order:
    """What the node's runner gets next."""
    job = eventually(
        "an order for the node",
        lambda: running.world.hub.claim_job(["self-hosted", node], timeout=0.5),
        seconds=seconds,
    )
    envelope = json.loads(job.inputs["order"])
    order = json.loads(base64.b64decode(envelope["payload"]))
    return Order(job, order)


def report(running: Running, order: Order, state: str) -> None:
    """The node says how far it is; its job ends with a final state."""
    url = f"{running.world.hub.url}/api/v3/repos/{FLEET}/deployments/{order.number}/statuses"
    log = f"{running.world.hub.url}/{FLEET}/actions/runs/{order.job.run_id}"
    body = {"state": state, "description": f"told by the test: {state}", "log_url": log}
    sent = requests.post(url, json=body, headers={"Authorization": f"Bearer {order.job.token}"}, timeout=30)
    assert sent.ok, sent.text
    if state in ("success", "failure", "error"):
        running.world.hub.finish_job(order.job, "success" if state == "success" else "failure", "")


def carry_out(running: Running, state: str = "success", node: str = NODE) -> Order:
    """Take the next order and report its end."""
    order = take_order(running, node)
    report(running, order, "in_progress")
    report(running, order, state)
    return order


def no_order(running: Running, node: str = NODE) -> bool:
    """Whether the node's queue is empty now."""
    return running.world.hub.claim_job(["self-hosted", node], timeout=0) is None


def assert_as_github(running: Running) -> None:
    """GitHub could have answered and sent everything that was answered and sent so far."""
    hub = running.world.hub
    hub.wait_for_deliveries()
    rest = [one for one in list(hub.requests) if one.kind == "rest"]
    told = complaints(judge_exchange(Exchange(one.method, one.path, one.status, one.body)) for one in rest)
    assert not told, told
    said = [one.body for one in list(hub.requests) if one.kind == "graphql"]
    told = complaints(
        judge_graphql(one["asked"]["query"], one["asked"]["variables"], one["answered"].get("data")) for one in said
    )
    assert not told, told
    told = complaints(judge_webhook(event, payload) for event, payload in list(hub.webhooks))
    assert not told, told


def token_of(running: Running, login: str, permission: str, *repos: str) -> dict[str, str]:
    """The headers of a person who may do this much in these repositories."""
    token = running.world.hub.create_user(login)
    for repo in repos:
        running.world.hub.set_permission(repo, login, permission)
    return {"Authorization": f"Bearer {token}"}


def reactions(running: Running, comment: int) -> list[str]:
    """The reactions to a comment."""
    found = running.outside.get(f"/repos/{FLEET}/issues/comments/{comment}/reactions")
    return [one["content"] for one in found]
