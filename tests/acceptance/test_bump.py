"""A push to `server` becomes one pull request, kept right whatever happens. Seen from outside."""

from __future__ import annotations

from typing import Any

from sandbox.world import FLEET, SERVER
from tests.acceptance.conftest import Running
from tests.acceptance.outside import eventually

INGRESS = "stacks/ingress/docker-compose.yml"
BRANCH = "aios-bot/main/server"


def bump(running: Running, old: str = "traefik:v3.1", new: str = "traefik:v3.2") -> tuple[str, Any]:
    """Push a change to server; the pushed commit and the pull request that proposes it, with its check."""
    pushed = running.world.edit(SERVER, INGRESS, old, new, f"{old} to {new}")

    def proposed() -> Any:
        for pull in running.outside.pulls(FLEET):
            at_head = running.outside.pin(FLEET, pull["head"]["sha"]) == pushed
            if at_head and "aios/plan" in running.outside.checks(FLEET, pull["head"]["sha"]):
                return running.outside.get(f"/repos/{FLEET}/pulls/{pull['number']}")
        return None

    return pushed, eventually("the pull request with its plan", proposed)


def test_a_push_becomes_one_reviewed_pull_request(running: Running) -> None:
    old = running.outside.pin(FLEET, "main")
    pushed, pull = bump(running)
    outside = running.outside
    assert pull["head"]["ref"] == BRANCH
    assert pull["base"]["ref"] == "main"
    assert old[:7] in pull["title"]
    assert pushed[:7] in pull["title"]
    assert {label["name"] for label in pull["labels"]} == {"dependencies", "aios-bot"}
    for words in ("traefik", "3.1", "3.2", "recreate", "ingress"):
        assert words in pull["body"]
    check = outside.checks(FLEET, pull["head"]["sha"])["aios/plan"]
    assert check["status"] == "completed"
    assert "traefik" in check["output"]["summary"] + (check["output"]["text"] or "")
    commit = outside.get(f"/repos/{FLEET}/git/commits/{pull['head']['sha']}")
    assert commit["verification"]["verified"]
    files = outside.get(f"/repos/{FLEET}/pulls/{pull['number']}/files")
    assert [file["filename"] for file in files] == ["server"]


def test_upstream_moving_on_updates_the_same_pull_request(running: Running) -> None:
    first, pull = bump(running)
    second, again = bump(running, "TRAEFIK_LOG_LEVEL: INFO", "TRAEFIK_LOG_LEVEL: DEBUG")
    assert again["number"] == pull["number"]
    assert running.outside.pin(FLEET, BRANCH) == second
    assert len(running.outside.pulls(FLEET, "all")) == 1

    def rewritten() -> Any:
        now = running.outside.get(f"/repos/{FLEET}/pulls/{pull['number']}")
        return second[:7] in now["title"] and "TRAEFIK_LOG_LEVEL" in now["body"] and first[:7] not in now["title"]

    assert eventually("title and body for the second commit", rewritten)


def test_a_rewritten_upstream_is_never_proposed(running: Running) -> None:
    world = running.world
    clone = world.checkouts / "server"
    world.git(clone, "checkout", "--quiet", "--orphan", "rewritten")
    world.git(clone, "commit", "--quiet", "--message", "History made again")
    world.git(clone, "push", "--quiet", "--force", "origin", "HEAD:main")
    head = running.outside.get(f"/repos/{FLEET}/branches/main")["commit"]["sha"]
    check = eventually("the note on main", lambda: running.outside.checks(FLEET, head).get("aios/bump"))
    assert "not a descendant" in check["output"]["title"]
    assert check["conclusion"] == "neutral"
    assert running.outside.pulls(FLEET, "all") == []


def test_a_pin_that_caught_up_closes_the_pull_request(running: Running) -> None:
    pushed, pull = bump(running)
    world = running.world
    clone = world.checkouts / "aios-win"
    world.git(clone, "pull", "--quiet")
    world.git(clone, "update-index", "--cacheinfo", f"160000,{pushed},server")
    world.git(clone, "commit", "--quiet", "--message", "Bump by hand")
    world.git(clone, "push", "--quiet", "origin", "main")
    number = pull["number"]
    closed = eventually(
        "the end of the pull request",
        lambda: [p for p in running.outside.pulls(FLEET, "closed") if p["number"] == number],
    )
    assert closed[0]["merged_at"] is None
    assert any("caught up" in comment["body"] for comment in running.outside.comments(FLEET, number))


def test_a_branch_that_a_person_pushed_to_is_left_alone(running: Running) -> None:
    _, pull = bump(running)
    world = running.world
    clone = world.checkouts / "aios-win"
    world.git(clone, "fetch", "--quiet", "origin")
    world.git(clone, "checkout", "--quiet", BRANCH)
    (clone / "README.md").write_text("mine\n")
    world.git(clone, "commit", "--quiet", "--all", "--message", "My own change")
    world.git(clone, "push", "--quiet", "origin", BRANCH)
    mine = world.git(clone, "rev-parse", "HEAD")
    world.edit(SERVER, INGRESS, "whoami:v1.10", "whoami:v1.11", "whoami 1.11")
    said = eventually(
        "the word that the branch is left alone",
        lambda: [c for c in running.outside.comments(FLEET, pull["number"]) if "left alone" in c["body"]],
    )
    assert len(said) == 1
    assert running.outside.get(f"/repos/{FLEET}/branches/{BRANCH}")["commit"]["sha"] == mine


def test_what_a_person_closed_is_not_proposed_again_until_upstream_moves(running: Running) -> None:
    _, pull = bump(running)
    running.outside.send("PATCH", f"/repos/{FLEET}/pulls/{pull['number']}", {"state": "closed"})
    running.world.push(FLEET, {"notes.md": "unrelated\n"}, "Unrelated")
    running.world.hub.wait_for_deliveries()
    _, second = bump(running, "whoami:v1.10", "whoami:v1.11")
    assert second["number"] != pull["number"]
    assert len(running.outside.pulls(FLEET, "all")) == 2


def test_a_broken_fleet_file_is_told_once_with_its_line_and_mended_by_a_push(running: Running) -> None:
    good = (running.world.checkouts / "aios-win/.github/aios-bot.yml").read_text()
    head = running.world.push(FLEET, {".github/aios-bot.yml": good + "nods: {}\n"}, "A slip")
    check = eventually("the check", lambda: running.outside.checks(FLEET, head).get("aios/fleet-file"))
    assert check["conclusion"] == "failure"
    line = good.count("\n") + 1
    text = check["output"]["summary"] + str(check["output"]["text"])
    assert f".github/aios-bot.yml:{line}" in text
    assert "did you mean `nodes`?" in text
    running.world.push(FLEET, {".github/aios-bot.yml": good}, "Mended")
    bump(running)


def test_a_stack_that_does_not_render_is_shown_beside_those_that_do(running: Running) -> None:
    running.world.push(
        SERVER, {"stacks/broken/compose.yaml": "services:\n  web:\n    image: [not, a, name]\n"}, "A broken stack"
    )
    _, pull = bump(running)
    assert "could not analyse" in pull["body"].lower()
    assert "broken" in pull["body"]
    assert "traefik" in pull["body"]


def test_two_bases_get_a_pull_request_each(running: Running) -> None:
    world = running.world
    clone = world.checkouts / "aios-win"
    world.git(clone, "push", "--quiet", "origin", "main:refs/heads/stable")
    file = (clone / ".github/aios-bot.yml").read_text()
    world.push(FLEET, {".github/aios-bot.yml": file + "bases: [main, stable]\n"}, "Two bases")
    pushed = world.edit(SERVER, INGRESS, "traefik:v3.1", "traefik:v3.2", "Traefik 3.2")

    def both() -> bool:
        return {
            (p["base"]["ref"], running.outside.pin(FLEET, p["head"]["sha"])) for p in running.outside.pulls(FLEET)
        } == {
            ("main", pushed),
            ("stable", pushed),
        }

    assert eventually("a pull request for each base", both)
