"""Talking to the bot in a pull request: over HTTP, on real git, with the real service. Seen from outside."""

from __future__ import annotations

from typing import Any

import requests

from sandbox.world import FLEET, SERVER
from tests.acceptance.conftest import Running
from tests.acceptance.outside import eventually
from tests.acceptance.talk import (
    SECONDS,
    answer,
    assert_as_github,
    carry_out,
    find_reply,
    no_order,
    reactions,
    report,
    say,
    take_order,
    token_of,
)
from tests.acceptance.test_bump import bump


def main_of(running: Running) -> str:
    return str(running.outside.get(f"/repos/{FLEET}/branches/main")["commit"]["sha"])


def rollback_pull(running: Running) -> Any:
    pulls = running.outside.pulls(FLEET)
    return next((pull for pull in pulls if pull["head"]["ref"].startswith("aios-bot/rollback/")), None)


def take_rollback_branch(running: Running, pin: str) -> str:
    """Push the branch of the rollback's pull request beforehand, on top of main: its pin, and one more file."""
    head, repo = main_of(running), f"/repos/{FLEET}"
    blob = next(e for e in running.outside.get(f"{repo}/git/trees/{head}")["tree"] if e["type"] == "blob")
    entries = [
        {"path": "server", "mode": "160000", "type": "commit", "sha": pin},
        {"path": "more.yaml", "mode": "100644", "type": "blob", "sha": blob["sha"]},
    ]
    tree = running.outside.send("POST", f"{repo}/git/trees", {"base_tree": head, "tree": entries})["sha"]
    body = {"message": "Roll back", "tree": tree, "parents": [head]}
    commit = str(running.outside.send("POST", f"{repo}/git/commits", body)["sha"])
    ref = {"ref": "refs/heads/aios-bot/rollback/main/server", "sha": commit}
    running.outside.send("POST", f"{repo}/git/refs", ref)
    return commit


def ended(running: Running, number: int, comment: int) -> str | None:
    """The reply once it tells of success."""
    reply = find_reply(running, number, comment) or ""
    return reply if "success" in reply else None


def test_a_pull_request_is_tried_on_a_node_and_taken_back(running: Running) -> None:
    _, pull = bump(running)
    number = pull["number"]
    assert "not deployed yet" in answer(running, number, "/status")
    assert "traefik" in answer(running, number, "/plan HP_LAB", holds="for <code>HP_LAB</code> alone")
    comment = say(running, number, "/deploy HP_LAB")
    order = take_order(running)
    assert (order.order["commit"], order.order["head_of"]) == (pull["head"]["sha"], number)
    report(running, order, "in_progress")
    # Said again while it runs: no second order.
    assert "this order is already under way" in answer(running, number, "/deploy HP_LAB")
    report(running, order, "success")
    eventually("the end in the reply", lambda: ended(running, number, comment), seconds=SECONDS)
    assert reactions(running, comment) == ["eyes", "rocket"]
    status = answer(running, number, "/status", holds="ahead of its pin")
    assert f"#{number}, owner" in status  # the lock that deploying took
    comment = say(running, number, "/rollback")
    back = carry_out(running)
    assert (back.order["kind"], back.order["commit"]) == ("restore", main_of(running))
    eventually("the end in the reply", lambda: ended(running, number, comment), seconds=SECONDS)
    status = answer(running, number, "/status", holds="as pinned")
    assert f"#{number}, owner" not in status
    assert no_order(running)
    # Tried again, then closed: it returns without being asked.
    answer(running, number, "/deploy HP_LAB", holds="queued")
    carry_out(running)
    running.outside.send("PATCH", f"/repos/{FLEET}/pulls/{number}", {"state": "closed"})
    back = carry_out(running)
    assert (back.order["kind"], back.order["commit"]) == ("restore", main_of(running))
    assert_as_github(running)


def test_what_was_merged_is_rolled_back_and_the_record_follows(running: Running) -> None:
    old = running.outside.pin(FLEET, "main")
    _, first = bump(running)
    merged = running.world.hub.merge_pull(FLEET, first["number"], by="owner")
    carry_out(running)
    pushed, second = bump(running, "whoami:v1.10", "whoami:v1.11")
    running.world.hub.merge_pull(FLEET, second["number"], by="owner")
    carry_out(running)
    taken = take_rollback_branch(running, running.outside.pin(FLEET, merged))
    running.world.hub.wait_for_deliveries()
    comment = say(running, second["number"], "/rollback")
    back = carry_out(running)
    assert (back.order["kind"], back.order["commit"]) == ("rollback", merged)
    pull = eventually("the pull request that moves the pin back", lambda: rollback_pull(running), seconds=SECONDS)
    assert running.outside.pin(FLEET, pull["head"]["sha"]) == running.outside.pin(FLEET, merged) != old
    tree = running.outside.get(f"/repos/{FLEET}/git/trees/{pull['head']['sha']}")["tree"]
    assert pull["head"]["sha"] != taken  # whose other file no plan of the base shows
    assert "more.yaml" not in [entry["path"] for entry in tree]
    reply = eventually("the end", lambda: ended(running, second["number"], comment), seconds=SECONDS)
    assert str(pull["html_url"]) in reply
    assert "whoami" in reply  # the plan that was shown
    running.world.hub.merge_pull(FLEET, pull["number"], by="owner")
    carry_out(running)
    # What was taken back is not proposed again by itself, but when somebody says so.
    running.world.push(FLEET, {"notes.md": "unrelated\n"}, "Unrelated")
    running.world.hub.wait_for_deliveries()
    answer(running, second["number"], "/status")
    assert [p["number"] for p in running.outside.pulls(FLEET)] == []
    answer(running, second["number"], "/resume", holds="resumed")

    def proposed() -> Any:
        return [p for p in running.outside.pulls(FLEET) if running.outside.pin(FLEET, p["head"]["sha"]) == pushed]

    eventually("the same bump again", proposed, seconds=SECONDS)
    assert_as_github(running)


def test_who_may_and_what_counts(running: Running) -> None:
    _, pull = bump(running)
    number = pull["number"]
    hub, outside = running.world.hub, running.outside
    token_of(running, "stranger", "read", FLEET)
    token_of(running, "writer", "write", FLEET)
    assert "not_allowed" in answer(running, number, "/deploy HP_LAB", by="stranger")
    assert "not_allowed" in answer(running, number, "/deploy HP_LAB", by="nobody-knows")
    # Not the first line, edited into a command, a bot's, beside a pull request: none of them counts.
    silent = [
        say(running, number, "please\n/deploy HP_LAB"),
        say(running, number, "looks good"),
        say(running, number, "/lgtm"),
    ]
    outside.send("PATCH", f"/repos/{FLEET}/issues/comments/{silent[1]}", {"body": "/deploy HP_LAB"})
    # A lock is its owner's.
    assert "lock_taken" in answer(running, number, "/lock HP_LAB <b>mine</b> @everyone", by="writer")
    assert "&#64;&#8203;everyone" in answer(running, number, "/status")
    hub.set_permission(FLEET, "other", "write")
    assert "not_your_lock" in answer(running, number, "/unlock", by="other")
    assert "unlocked" in answer(running, number, "/unlock", by="writer")
    # The pin stays until somebody lets it move.
    assert "held" in answer(running, number, "/hold wait for it", by="writer")
    running.world.edit(*WHOAMI)
    hub.wait_for_deliveries()
    assert "wait for it" in answer(running, number, "/status")
    assert outside.pin(FLEET, "aios-bot/main/server") == outside.pin(FLEET, pull["head"]["sha"])
    answer(running, number, "/resume", holds="resumed")
    eventually(
        "the pin moving on",
        lambda: outside.pin(FLEET, "aios-bot/main/server") != outside.pin(FLEET, pull["head"]["sha"]),
        seconds=SECONDS,
    )
    assert all(find_reply(running, number, comment) is None for comment in silent)
    assert all("eyes" not in reactions(running, comment) for comment in silent)
    assert no_order(running)
    assert_as_github(running)


WHOAMI = (SERVER, "stacks/ingress/docker-compose.yml", "whoami:v1.10", "whoami:v1.11", "whoami 1.11")


def test_the_branchs_own_rules_hold_and_our_own_checks_never_deadlock(running: Running) -> None:
    hub, outside = running.world.hub, running.outside
    _, pull = bump(running)
    number = pull["number"]
    reviewer = token_of(running, "reviewer", "write", FLEET)
    review = eventually(
        "aios/review", lambda: outside.checks(FLEET, pull["head"]["sha"]).get("aios/review"), seconds=60
    )
    assert review["conclusion"] == "action_required"
    assert "server/stacks/ingress/docker-compose.yml" in review["output"]["summary"]
    hub.set_rules(
        FLEET, "main", approvals=1, contexts=["aios/review", "ci"], sources={"aios/review": running.world.app.id}
    )
    assert "review_missing" in answer(running, number, "/deploy HP_LAB")
    reviews = f"{outside.url}/repos/{FLEET}/pulls/{number}/reviews"
    assert requests.post(reviews, json={"event": "APPROVE"}, headers=reviewer, timeout=30).ok
    approved = eventually(
        "the approval in aios/review",
        lambda: (c := outside.checks(FLEET, pull["head"]["sha"])["aios/review"])["conclusion"] == "success" and c,
        seconds=SECONDS,
    )
    assert "reviewer" in approved["output"]["title"]
    assert "checks_pending" in answer(running, number, "/deploy HP_LAB")
    outside.send("POST", f"/repos/{FLEET}/statuses/{pull['head']['sha']}", {"state": "success", "context": "ci"})
    answer(running, number, "/deploy HP_LAB", holds="queued")
    carry_out(running)
    # The buttons of the plan's check follow the same rules.
    check = outside.checks(FLEET, pull["head"]["sha"])["aios/plan"]["id"]
    hub.press(FLEET, check, "rollback", by="stranger")
    hub.press(FLEET, check, "rollback", by="reviewer")
    back = carry_out(running)
    assert back.order["kind"] == "restore"
    told = [c["body"] for c in outside.comments(FLEET, number) if "reply button-" in c["body"].replace(":", "-")]
    assert any("not_allowed" in body for body in told)
    assert_as_github(running)


def test_documentation_merges_by_itself_where_the_fleet_lets_it(running: Running) -> None:
    hub, outside = running.world.hub, running.outside
    file = (running.world.checkouts / "aios-win/.github/aios-bot.yml").read_text()
    running.world.push(FLEET, {".github/aios-bot.yml": f"{file}review:\n  auto_merge: true\n"}, "Let it merge")
    hub.wait_for_deliveries()
    pushed = running.world.push(SERVER, {"docs/notes.md": "words\n"}, "Only words")
    eventually("the merge by itself", lambda: outside.pin(FLEET, "main") == pushed, seconds=SECONDS)
    _, pull = bump(running)
    review = eventually(
        "aios/review", lambda: outside.checks(FLEET, pull["head"]["sha"]).get("aios/review"), seconds=60
    )
    assert review["conclusion"] == "action_required"
    assert outside.get(f"/repos/{FLEET}/pulls/{pull['number']}")["state"] == "open"
    assert_as_github(running)


def test_a_persons_pull_request_is_planned_and_tried_but_never_with_its_own_workflow(running: Running) -> None:
    world, outside = running.world, running.outside
    clone = world.checkouts / "aios-win"
    pin, _ = bump(running, "whoami:v1.10", "whoami:v1.11")
    world.git(clone, "checkout", "--quiet", "-b", "mine")
    world.git(clone, "update-index", "--cacheinfo", f"160000,{pin},server")
    world.git(clone, "commit", "--quiet", "--message", "By hand")
    world.git(clone, "push", "--quiet", "origin", "mine")
    body = {"title": "By hand", "head": "mine", "base": "main"}
    pull = outside.send("POST", f"/repos/{FLEET}/pulls", body)
    number = pull["number"]
    planned = eventually("its plan", lambda: outside.checks(FLEET, pull["head"]["sha"]).get("aios/plan"))
    assert "whoami" in planned["output"]["summary"] + planned["output"]["text"]
    answer(running, number, "/deploy HP_LAB ingress", holds="queued")
    order = carry_out(running)
    assert [stack["stack"] for stack in order.order["stacks"]] == ["ingress"]
    (clone / ".github/workflows/deploy.yml").write_text("on: push\n")
    world.git(clone, "commit", "--quiet", "--all", "--message", "A workflow of mine")
    world.git(clone, "push", "--quiet", "origin", "mine")
    assert "touches_control" in answer(running, number, "/deploy HP_LAB")
    answer(running, number, "/rollback", holds="queued")
    assert carry_out(running).order["kind"] == "restore"
    assert_as_github(running)
