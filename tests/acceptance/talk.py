"""People talking to the bot in the embedded GitHub, and a node's job played by hand."""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple

import requests

from bot.sandbox.github import Job
from bot.sandbox.world import FLEET, NODE, PERSON
from tests.acceptance.conftest import Running
from tests.acceptance.outside import eventually

SECONDS = 60


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
    body = {"state": state, "description": f"told by the test: {state}"}
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
