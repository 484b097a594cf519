"""Races around a command: never a commit that nobody approved on a node, never two orders for one word."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
import requests

from bot.github.webhook import sign
from bot.settings.values import Secret
from sandbox.service import Service, free_port, start_service
from sandbox.world import FLEET, PERSON, SERVER
from tests.acceptance.conftest import Running, settings_of
from tests.acceptance.outside import eventually
from tests.acceptance.talk import (
    SECONDS,
    answer,
    carry_out,
    find_reply,
    no_order,
    report,
    say,
    take_order,
)
from tests.acceptance.test_bump import bump
from tests.integration.postgres import make_database, postgres_server

INGRESS = "stacks/ingress/docker-compose.yml"


def deliver(running: Running, url: str, event: str, payload: Any) -> None:
    """The same payload as a delivery of its own: what a replica behind a balancer, or a repetition, gets."""
    body = json.dumps(payload).encode()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": sign(body, Secret(running.secret)),
    }
    assert requests.post(f"{url}/webhook", data=body, headers=headers, timeout=30).status_code == 202


def comment_payload(running: Running, comment: int) -> Any:
    """The webhook of a comment."""

    def find() -> Any:
        told = [payload for event, payload in running.world.hub.webhooks if event == "issue_comment"]
        return next((p for p in told if p["comment"]["id"] == comment and p["action"] == "created"), None)  # type: ignore[index]  # JSON

    return eventually("the webhook", find)


def settled(running: Running, number: int, comment: int, words: str) -> str:
    """The reply once it holds `words`."""

    def find() -> str | None:
        reply = find_reply(running, number, comment) or ""
        return reply if words in reply else None

    return eventually(f"{words!r} in the reply", find, seconds=SECONDS)


def orders_of(running: Running) -> list[tuple[str, str]]:
    """Every order that was ever given: its task and commit."""
    found = running.outside.get(f"/repos/{FLEET}/deployments", per_page="100")
    return [(one["task"], one["sha"]) for one in found]


def test_the_head_moves_while_the_order_waits(running: Running) -> None:
    """Accepted, then the head moves before it can be dispatched: the node never hears of either commit."""
    _, first = bump(running)
    running.world.hub.merge_pull(FLEET, first["number"], by=PERSON)
    busy = take_order(running)
    _, second = bump(running, "whoami:v1.10", "whoami:v1.11")
    number, head = second["number"], second["head"]["sha"]
    comment = say(running, number, "/deploy HP_LAB")
    settled(running, number, comment, f"waiting for order {busy.number}")
    _, moved = bump(running, "TRAEFIK_LOG_LEVEL: INFO", "TRAEFIK_LOG_LEVEL: DEBUG")
    assert moved["number"] == number
    report(running, busy, "success")
    settled(running, number, comment, "gone")
    # Edited afterwards into a fresh one: it does not count.
    running.outside.send("PATCH", f"/repos/{FLEET}/issues/comments/{comment}", {"body": "/deploy all"})
    answer(running, number, "/status")
    assert no_order(running)
    assert not {head, moved["head"]["sha"]} & {commit for _, commit in orders_of(running)}


def test_a_merge_while_it_is_tried_and_a_repeated_comment(running: Running) -> None:
    _, pull = bump(running)
    number, head = pull["number"], pull["head"]["sha"]
    comment = say(running, number, "/deploy HP_LAB")
    tried = take_order(running)
    # The same comment delivered again, and the same delivery again, lead to nothing new.
    for _ in range(3):
        deliver(running, running.service.url, "issue_comment", comment_payload(running, comment))
    merged = running.world.hub.merge_pull(FLEET, number, by=PERSON)
    answer(running, number, "/status")
    assert no_order(running)  # one at a time
    report(running, tried, "success")
    after = carry_out(running)
    assert (tried.order["commit"], after.order["commit"]) == (head, merged)
    answer(running, number, "/status", holds="as pinned")
    assert sorted(orders_of(running)) == sorted([("deploy:server", head), ("deploy:server", merged)])
    assert find_reply(running, number, comment)


def test_a_merge_leaves_a_locked_node_alone_until_the_lock_ends(running: Running) -> None:
    _, pull = bump(running)
    body = {"title": "Mine", "head": "mine", "base": "main"}
    clone = running.world.checkouts / "aios-win"
    running.world.git(clone, "checkout", "--quiet", "-b", "mine")
    (clone / "mine.md").write_text("mine\n")
    running.world.git(clone, "add", "mine.md")
    running.world.git(clone, "commit", "--quiet", "--message", "Mine")
    running.world.git(clone, "push", "--quiet", "origin", "mine")
    other = running.outside.send("POST", f"/repos/{FLEET}/pulls", body)["number"]
    answer(running, other, "/lock HP_LAB measuring", holds="lock_taken")
    merged = running.world.hub.merge_pull(FLEET, pull["number"], by=PERSON)
    assert "locked" in answer(running, pull["number"], "/deploy HP_LAB")
    assert no_order(running)
    answer(running, other, "/unlock", holds="unlocked")
    assert carry_out(running).order["commit"] == merged


def test_a_plan_that_came_after_the_comment_is_not_what_was_meant(running: Running) -> None:
    """The service is away while somebody comments and then upstream moves: the newer plan was never read."""
    _, pull = bump(running)
    number, head = pull["number"], pull["head"]["sha"]
    running.service.stop()
    comment = say(running, number, "/deploy HP_LAB")
    running.world.edit(SERVER, INGRESS, "whoami:v1.10", "whoami:v1.11", "whoami 1.11")
    again = start_service(settings_of(running))
    try:
        reply = eventually("the answer", lambda: find_reply(running, number, comment), seconds=SECONDS)
        given = {commit for _, commit in orders_of(running)}
        # Either it was looked at before the head moved, or it is refused; the unread head is never ordered.
        assert given <= {head}
        assert given or "plan_changed" in reply or "moved" in reply
    finally:
        again.stop()


@pytest.fixture
def replicas(running: Running) -> Iterator[tuple[Service, Service]]:
    """Two replicas on one PostgreSQL instead of the one process; webhooks reach the first."""
    running.service.stop()
    with ExitStack() as stack:
        url = make_database(stack.enter_context(postgres_server()), "bot")
        first = start_service(settings_of(running, AIOS_BOT_DATABASE_URL=url))
        stack.callback(first.stop)
        second = start_service(settings_of(running, AIOS_BOT_DATABASE_URL=url, PORT=str(free_port())))
        stack.callback(second.stop)
        yield first, second


def test_two_people_deploy_at_once_on_two_replicas(running: Running, replicas: tuple[Service, Service]) -> None:
    _, pull = bump(running)
    number = pull["number"]
    running.world.hub.set_permission(FLEET, "other", "write")
    mine = say(running, number, "/deploy HP_LAB")
    theirs = say(running, number, "/deploy HP_LAB", by="other")
    # Each replica hears of both, under deliveries of their own.
    for comment in (theirs, mine):
        for replica in replicas:
            deliver(running, replica.url, "issue_comment", comment_payload(running, comment))
    carry_out(running)
    both = [partial(find_reply, running, number, comment) for comment in (mine, theirs)]
    replies = [eventually("both answers", find, seconds=SECONDS) for find in both]
    # Whoever was heard first has the order; the other one is told so.
    eventually("the end", lambda: any("success" in (find() or "") for find in both), seconds=SECONDS)
    assert any("under_way" in reply or "already_there" in reply for reply in replies)
    assert no_order(running)
    assert orders_of(running) == [("deploy:server", pull["head"]["sha"])]
