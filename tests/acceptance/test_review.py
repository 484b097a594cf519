"""The check `aios/review` comes to every open pull request, also to one that nobody told the bot of."""

from __future__ import annotations

from typing import Any

from bot.domain.names import RepoName
from sandbox.service import start_service
from sandbox.world import FLEET, SERVER
from tests.acceptance.conftest import Running, settings_of
from tests.acceptance.outside import eventually


def test_a_lost_delivery_leaves_no_pull_request_without_its_review(running: Running) -> None:
    hub, outside = running.world.hub, running.outside
    assert hub.wait_for_deliveries()
    hub.drop_deliveries(on=True)
    heads = {repo: open_pull(running, repo) for repo in (FLEET, SERVER)}
    running.service.stop()
    hub.drop_deliveries(on=False)
    again = start_service(settings_of(running))
    try:
        for repo, head in heads.items():

            def reviewed(repo: RepoName = repo, head: str = head) -> Any:
                return outside.checks(repo, head).get("aios/review")

            eventually(f"the review of {repo}", reviewed, seconds=90)
    finally:
        again.stop()


def open_pull(running: Running, repo: RepoName) -> str:
    """A person's pull request with one changed document; its head."""
    world = running.world
    clone = world.checkouts / repo.split("/")[1]
    world.git(clone, "checkout", "--quiet", "-b", "words")
    (clone / "README.md").write_text("Better words.\n")
    identity = ("-c", "user.name=ada", "-c", "user.email=ada@example.com")
    world.git(clone, *identity, "commit", "--quiet", "--all", "--message", "Better words")
    world.git(clone, "push", "--quiet", "origin", "words")
    body = {"title": "Better words", "head": "words", "base": "main", "body": ""}
    return str(running.outside.send("POST", f"/repos/{repo}/pulls", body)["head"]["sha"])
