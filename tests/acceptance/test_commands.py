"""Talking to the bot in a pull request: over HTTP, on real git, with the real service. Seen from outside."""

from __future__ import annotations

from bot.sandbox.world import FLEET
from tests.acceptance.conftest import Running
from tests.acceptance.talk import answer, carry_out
from tests.acceptance.test_bump import bump


def test_help_status_and_a_misspelt_command(running: Running) -> None:
    _, pull = bump(running)
    number = pull["number"]
    assert "/rollback" in answer(running, number, "/help")
    assert "not deployed yet" in answer(running, number, "/status")
    assert "<code>/deploy</code>" in answer(running, number, "/depoly HP_LAB", holds="misread")


def test_a_pull_request_is_tried_on_a_node_and_taken_back(running: Running) -> None:
    _, pull = bump(running)
    number = pull["number"]
    assert "queued" in answer(running, number, "/deploy HP_LAB", holds="ordered")
    order = carry_out(running)
    assert order.order["commit"] == pull["head"]["sha"]
    assert "ahead of its pin" in answer(running, number, "/status", holds="success")
    answer(running, number, "/rollback", holds="queued")
    back = carry_out(running)
    main = running.outside.get(f"/repos/{FLEET}/branches/main")["commit"]["sha"]
    assert (back.order["kind"], back.order["commit"]) == ("restore", main)
