"""A pull request in `server` shows what merging it would do to the fleet that pins it. Seen from outside."""

from __future__ import annotations

from typing import Any

from sandbox.world import FLEET, NODE, SERVER
from tests.acceptance.conftest import Running
from tests.acceptance.outside import eventually
from tests.acceptance.test_bump import INGRESS
from tests.openapi import Exchange, complaints, judge_exchange


def push_branch(running: Running, branch: str, name: str, old: str, new: str) -> str:
    """Change a file on a branch of `server`, as a person would; the commit."""
    world, clone = running.world, running.world.checkouts / "server"
    world.git(clone, "checkout", "--quiet", "-B", branch)
    path = clone / name
    path.write_text(path.read_text().replace(old, new))
    world.git(clone, "commit", "--quiet", "--all", "--message", f"{old} to {new}")
    world.git(clone, "push", "--quiet", "--force", "origin", branch)
    return world.git(clone, "rev-parse", "HEAD")


def open_pull(running: Running, branch: str) -> int:
    body = {"title": "A change", "head": branch, "base": "main"}
    return int(running.outside.send("POST", f"/repos/{SERVER}/pulls", body)["number"])


def find_check(running: Running, head: str) -> Any:
    return eventually("the check", lambda: running.outside.checks(SERVER, head).get("aios/fleets"))


def our_comments(running: Running, number: int, words: str) -> Any:
    def found() -> Any:
        ours = [c for c in running.outside.comments(SERVER, number) if c["user"]["login"] == "aios-bot[bot]"]
        return ours if any(words in c["body"] for c in ours) else None

    return eventually(f"a comment that says {words!r}", found)


def test_a_pull_request_upstream_shows_its_plan_for_the_fleet_once(running: Running) -> None:
    outside = running.outside
    running.world.edit(SERVER, "README.md", "\n", "\n\n", "So that the index knows who pins what")
    eventually("the bump", lambda: outside.pulls(FLEET))
    head = push_branch(running, "traefik", INGRESS, "traefik:v3.1", "traefik:v3.2")
    number = open_pull(running, "traefik")

    check = find_check(running, head)
    assert check["output"]["title"] == "1 service changed on 1 of 1 fleet"
    assert "traefik" in check["output"]["summary"]
    assert str(NODE) in check["output"]["summary"]
    path = f"/repos/{SERVER}/check-runs/{check['id']}/annotations"
    annotations = outside.get(path)
    assert not complaints([judge_exchange(Exchange("GET", path, 200, annotations))])
    lines = (running.world.checkouts / "server" / INGRESS).read_text().splitlines()
    assert annotations
    for one in annotations:
        assert one["path"] == INGRESS
        assert "traefik:v3.2" in lines[one["start_line"] - 1]
    (comment,) = our_comments(running, number, "traefik:v3.2")
    assert comment["body"].startswith("**1 service changed on 1 of 1 fleet**")

    push_branch(running, "traefik", INGRESS, "traefik:v3.2", "traefik:v3.1")
    again = push_branch(running, "traefik", "README.md", "\n", "\n\nmore words\n")
    assert find_check(running, again)["output"]["title"] == "nothing restarts"
    (edited,) = our_comments(running, number, "**Nothing restarts**")
    assert edited["id"] == comment["id"]
    assert outside.pulls(FLEET, "all")[0]["state"] == "open"
    assert len(outside.pulls(FLEET, "all")) == 1


def test_a_pull_request_into_a_branch_that_no_fleet_follows_is_left_alone(running: Running) -> None:
    world, clone = running.world, running.world.checkouts / "server"
    world.git(clone, "push", "--quiet", "origin", "main:refs/heads/other")
    push_branch(running, "mine", INGRESS, "traefik:v3.1", "traefik:v3.2")
    body = {"title": "Elsewhere", "head": "mine", "base": "other"}
    elsewhere = running.outside.send("POST", f"/repos/{SERVER}/pulls", body)["number"]
    head = push_branch(running, "yours", INGRESS, "whoami:v1.10", "whoami:v1.11")
    open_pull(running, "yours")
    find_check(running, head)
    assert running.outside.comments(SERVER, elsewhere) == []


def test_more_annotations_than_one_request_takes_all_arrive(running: Running) -> None:
    """GitHub takes 50 in a request; the rest is appended (REST: checks/update)."""
    running.world.edit(SERVER, "README.md", "\n", "\n\n", "So that the index knows who pins what")
    eventually("the bump", lambda: running.outside.pulls(FLEET))
    services = "".join(f"  s{i}:\n    image: app:1\n    privileged: true\n" for i in range(60))
    world, clone = running.world, running.world.checkouts / "server"
    world.git(clone, "checkout", "--quiet", "-b", "many")
    (clone / "stacks/many").mkdir()
    (clone / "stacks/many/compose.yaml").write_text(f"services:\n{services}")
    world.git(clone, "add", "--all")
    world.git(clone, "commit", "--quiet", "--message", "Sixty privileged services")
    world.git(clone, "push", "--quiet", "origin", "many")
    head = world.git(clone, "rev-parse", "HEAD")
    open_pull(running, "many")
    check = find_check(running, head)

    def all_there() -> Any:
        found = []
        for page in ("1", "2"):
            path = f"/repos/{SERVER}/check-runs/{check['id']}/annotations"
            found += running.outside.get(path, per_page="100", page=page)
        return found if len(found) >= 120 else None

    found = eventually("every annotation", all_there)
    risky = [one for one in found if "privilege.privileged" in one["message"]]
    lines = (clone / "stacks/many/compose.yaml").read_text().splitlines()
    assert len(risky) == 60
    assert all(one["annotation_level"] == "warning" for one in risky)
    assert all("privileged: true" in lines[one["start_line"] - 1] for one in risky)
