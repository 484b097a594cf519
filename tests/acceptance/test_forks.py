"""A stranger's pull request, from a fork: it is looked at, and nothing of it reaches a node before it is merged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.domain.names import RepoName
from sandbox.world import FLEET, SERVER
from tests.acceptance.conftest import Running
from tests.acceptance.outside import eventually
from tests.acceptance.talk import answer, assert_as_github, carry_out, no_order
from tests.acceptance.test_bump import bump
from tests.gitworld import git

STRANGER = "stranger"
BUMP_BRANCH = "aios-bot/main/server"


def clone_fork(running: Running, repo: RepoName, branch: str) -> Path:
    """A stranger's fork of `repo`, cloned, on a new branch."""
    hub = running.world.hub
    token = hub.create_user(STRANGER)
    fork = hub.fork(repo, by=STRANGER)
    clone = running.folder / "stranger" / repo.split("/")[1]
    clone.parent.mkdir(exist_ok=True)
    address = hub.url.replace("://", f"://{STRANGER}:{token}@")
    git(clone.parent, "clone", "--quiet", f"{address}/{fork}.git", clone.name)
    git(clone, "config", "user.name", STRANGER)
    git(clone, "config", "user.email", f"{STRANGER}@example.com")
    git(clone, "checkout", "--quiet", "-B", branch, "origin/main")
    return clone


def propose(running: Running, repo: RepoName, clone: Path, branch: str) -> Any:
    """Push what the stranger committed, and open the pull request."""
    git(clone, "push", "--quiet", "--force", "origin", branch)
    body = {"title": "Please", "head": f"{STRANGER}:{branch}", "base": "main"}
    return running.outside.send("POST", f"/repos/{repo}/pulls", body)


@pytest.mark.parametrize("branch", ["mine", BUMP_BRANCH])
def test_a_forks_pull_request_reaches_no_node(running: Running, branch: str) -> None:
    """Not even from a branch that is called as the bot's own."""
    pin, own = bump(running)
    clone = clone_fork(running, FLEET, branch)
    git(clone, "update-index", "--add", "--cacheinfo", f"160000,{pin},server")
    git(clone, "commit", "--quiet", "--message", "A pin of mine")
    pull = propose(running, FLEET, clone, branch)
    number = pull["number"]
    assert pull["head"]["repo"]["fork"]
    for command in ("/deploy HP_LAB", "/plan"):
        assert "from_fork" in answer(running, number, command, holds="from_fork"), command
    assert no_order(running)
    review = eventually("the review", lambda: running.outside.checks(FLEET, pull["head"]["sha"]).get("aios/review"))
    assert review["conclusion"] != "success"
    # More commits change nothing, and the bot's own pull request stays its own.
    git(clone, "commit", "--quiet", "--allow-empty", "--message", "More")
    git(clone, "push", "--quiet", "origin", branch)
    running.world.hub.wait_for_deliveries()
    assert "from_fork" in answer(running, number, "/deploy HP_LAB", holds="from_fork")
    assert running.outside.get(f"/repos/{FLEET}/pulls/{own['number']}")["state"] == "open"
    assert [p["number"] for p in running.outside.pulls(FLEET)] == [number, own["number"]]
    assert no_order(running)
    # What a person merged is approved, wherever it came from.
    merged = running.world.hub.merge_pull(FLEET, number, by="owner")
    assert carry_out(running).order["commit"] == merged
    assert_as_github(running)


def test_a_forks_pull_request_into_the_stacks_is_told_what_it_would_do(running: Running) -> None:
    clone = clone_fork(running, SERVER, "mine")
    file = clone / "stacks/ingress/docker-compose.yml"
    file.write_text(file.read_text().replace("traefik:v3.1", "traefik:v3.3"))
    git(clone, "commit", "--quiet", "--all", "--message", "A newer traefik")
    pull = propose(running, SERVER, clone, "mine")
    sha = pull["head"]["sha"]
    check = eventually("its plan", lambda: running.outside.checks(SERVER, sha).get("aios/fleets"))
    assert "traefik" in check["output"]["summary"] + (check["output"]["text"] or "")
    assert no_order(running)
    assert running.outside.pulls(FLEET) == []
