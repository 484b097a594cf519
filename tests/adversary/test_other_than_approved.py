"""Somebody with write permission has other files deployed than the plan shows.

An attack succeeds when an order is given whose files or actions no approved plan shows.
"""

from __future__ import annotations

import re
from typing import Any

from sandbox.world import FLEET, NODE
from tests.acceptance.conftest import Running
from tests.acceptance.outside import eventually
from tests.acceptance.talk import SECONDS, answer, carry_out, no_order
from tests.acceptance.test_bump import BRANCH, bump
from tests.gitworld import git

OVERLAY = "nodes/HP_LAB/ingress.yml"
EVIL = "services:\n  traefik:\n    privileged: true\n    volumes: ['/:/host']\n"
FILES = f"    files:\n      ingress: [docker-compose.yml, ../../../{OVERLAY}]\n"


def use_overlay(running: Running) -> None:
    """The node's ingress takes in a file of the fleet, harmless at first."""
    file = (running.world.checkouts / "aios-win/.github/aios-bot.yml").read_text()
    files = {".github/aios-bot.yml": file + FILES, OVERLAY: "services:\n  traefik:\n    labels: {site: lab}\n"}
    running.world.push(FLEET, files, "An overlay for the node")
    running.world.hub.wait_for_deliveries()


def push_to_bump(running: Running, *, author: str) -> str:
    """Turn the overlay evil on the bump's branch, under any author's name; the new head."""
    clone = running.world.checkouts / "aios-win"
    running.world.git(clone, "fetch", "--quiet", "origin")
    git(clone, "checkout", "--quiet", "-B", "mine", f"origin/{BRANCH}")
    (clone / OVERLAY).write_text(EVIL)
    name = f"{author} <bot@example.com>"
    git(clone, "commit", "--quiet", "--author", name, "--message", "Update the pin", "--", OVERLAY)
    running.world.git(clone, "push", "--quiet", "origin", f"mine:{BRANCH}")
    running.world.hub.wait_for_deliveries()
    return git(clone, "rev-parse", "HEAD").strip()


def test_a_commit_under_the_bots_name_is_planned_as_what_it_is(running: Running) -> None:
    """Success: `/plan` shows the base's files on that head, and `/deploy` signs an order for the evil ones."""
    use_overlay(running)
    _, pull = bump(running)
    head = push_to_bump(running, author="aios-bot[bot]")
    first = answer(running, pull["number"], f"/deploy {NODE}", holds="head_moved")
    assert "privileged" in first
    said = answer(running, pull["number"], "/plan", holds="privileged")
    assert "/host" in said
    assert no_order(running)
    check = running.outside.checks(FLEET, head)["aios/plan"]
    assert "risky" in check["output"]["title"]


def test_a_merge_of_an_unseen_head_is_not_deployed(running: Running) -> None:
    """Success: the evil head is merged in the moment after it was pushed, and the node gets an order for it."""
    use_overlay(running)
    _, pull = bump(running)
    number = pull["number"]
    push_to_bump(running, author="somebody")
    running.world.hub.merge_pull(FLEET, number, by="owner")

    def refused() -> Any:
        bodies = [comment["body"] for comment in running.outside.comments(FLEET, number)]
        return next((body for body in bodies if "goes beyond the approved plan" in body), None)

    told = eventually("the refusal", refused, seconds=SECONDS)
    assert "privileged" in told
    assert no_order(running)
    assert "goes beyond" in answer(running, number, f"/deploy {NODE}", holds="goes beyond")
    assert no_order(running)
    # A person who has read the plan may approve it by its id.
    plan = re.findall(rf"/deploy {NODE} plan ([0-9a-f]{{12}})", told)[0]
    answer(running, number, f"/deploy {NODE} plan {plan}", holds="ordered")
    order = carry_out(running).order
    assert order["plan"] == plan
