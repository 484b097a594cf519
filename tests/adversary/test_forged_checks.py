"""Somebody else posts a check run under one of our names: a second App, and the job of a workflow.

An attack succeeds when ours is not posted, or when a decision is taken from theirs.
"""

from __future__ import annotations

from typing import Any

from sandbox.world import FLEET
from tests.acceptance.conftest import Running
from tests.acceptance.outside import eventually
from tests.acceptance.talk import answer, no_order
from tests.acceptance.test_bump import bump
from tests.adversary.strangers import forgers
from tests.gitworld import git


def own_checks(running: Running, sha: str) -> dict[str, Any]:
    """The bot's own check runs on a commit of the fleet, by name."""
    found = running.outside.get(f"/repos/{FLEET}/commits/{sha}/check-runs")["check_runs"]
    return {run["name"]: run for run in found if run["app"]["id"] == running.world.app.id}


def test_a_forged_review_check_does_not_keep_ours_from_being_posted(running: Running) -> None:
    """Success: only forged `aios/review` runs are on the head, because the bot takes one of them for its own.

    They have the very external id that ours will have: that of an equal pull request before.
    """
    hub, world = running.world.hub, running.world
    clone = world.checkouts / FLEET.split("/")[1]

    def propose(branch: str) -> Any:
        world.git(clone, "checkout", "--quiet", "-B", branch, "origin/main")
        (clone / ".github/workflows/other.yml").write_text("on: push\n")
        git(clone, "add", "--all")
        git(clone, "commit", "--quiet", "--message", f"A workflow of mine, on {branch}")
        world.git(clone, "push", "--quiet", "origin", branch)
        return running.outside.send(
            "POST", f"/repos/{FLEET}/pulls", {"title": branch, "head": branch, "base": "main"}
        )

    sha = propose("one")["head"]["sha"]
    first = eventually("the first review check", lambda: own_checks(running, sha).get("aios/review"))
    assert first["conclusion"] != "success"
    hub.wait_for_deliveries()
    hub.drop_deliveries(on=True)  # the forgers are first
    pull = propose("two")
    sha = pull["head"]["sha"]
    for forger in forgers(running, FLEET):
        forger.post_check(FLEET, sha, "aios/review", external_id=first["external_id"])
    hub.drop_deliveries(on=False)
    looked = {"event": "COMMENT", "body": "looked"}
    running.outside.send("POST", f"/repos/{FLEET}/pulls/{pull['number']}/reviews", looked)
    ours = eventually("the bot's own check", lambda: own_checks(running, sha).get("aios/review"))
    assert (ours["conclusion"], ours["external_id"]) == (first["conclusion"], first["external_id"])


def test_the_newest_plan_is_never_read_from_a_run_of_another_app(running: Running) -> None:
    """Success: after the plan has changed, a forged run with the old plan's id makes `/deploy` of it possible."""
    _, pull = bump(running)
    old_plan = own_checks(running, pull["head"]["sha"])["aios/plan"]["external_id"]
    _, again = bump(running, "TRAEFIK_LOG_LEVEL: INFO", "TRAEFIK_LOG_LEVEL: DEBUG")
    sha = again["head"]["sha"]
    new_plan = own_checks(running, sha)["aios/plan"]["external_id"]
    assert new_plan != old_plan
    for forger in forgers(running, FLEET):
        forger.post_check(FLEET, sha, "aios/plan", external_id=old_plan)
    assert old_plan in answer(running, again["number"], f"/deploy HP_LAB plan {old_plan}", holds="plan_unknown")
    assert no_order(running)
    assert "Deploying the plan" in answer(
        running, again["number"], f"/deploy HP_LAB plan {new_plan}", holds="ordered"
    )


def test_a_forged_check_has_no_buttons_of_ours(running: Running) -> None:
    """Success: pressing a button of a forged `aios/plan` run reaches the bot, and deploys."""
    _, pull = bump(running)
    sha = pull["head"]["sha"]
    plan = own_checks(running, sha)["aios/plan"]["external_id"]
    button = {"label": "Harmless", "identifier": "deploy", "description": "Nothing happens"}
    for forger in forgers(running, FLEET):
        run = forger.post_check(FLEET, sha, "aios/plan", external_id=plan)
        forger.send("PATCH", f"/repos/{FLEET}/check-runs/{run}", {"actions": [button]})
        running.world.hub.press(FLEET, run, "deploy", by="owner")
    running.world.hub.wait_for_deliveries()
    answer(running, pull["number"], "/status", holds="Status")
    assert no_order(running)
