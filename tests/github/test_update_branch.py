"""Somebody presses "Update branch" on a pull request of ours: GitHub merges the base into it, as that person."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.names import RepoName
from sandbox.world import FLEET, OWNER, PERSON
from tests.github.stepping import Stepper
from tests.gitworld import commit, new_repository

HUB = RepoName(f"{OWNER}/AIOS")
PAGE = "docs/fleet/README.md"
WEB_FLOWS = ("GitHub", "GitHub Enterprise")  # desktop/desktop#4329, #13852: the name on an Enterprise Server


def behind(steps: Stepper) -> dict[str, Any]:
    """A bump's pull request whose base has moved since."""
    pull = steps.bump()
    steps.world.push(FLEET, {"notes.md": "words\n"}, "Something else")
    steps.settle()
    return pull


@pytest.mark.parametrize("name", WEB_FLOWS)
def test_the_base_is_merged_into_a_bump(steps: Stepper, name: str) -> None:
    """The new head has no check until somebody posts it, and a required `aios/plan` blocks the merge for ever
    (renovatebot/renovate#982)."""
    steps.hub.behaviours.web_flow = name
    steps.hub.set_rules(FLEET, "main", contexts=["aios/plan"])
    pull = behind(steps)
    head = steps.hub.update_branch(FLEET, pull["number"], by=PERSON)
    steps.settle()
    assert steps.outside.get(f"/repos/{FLEET}/pulls/{pull['number']}")["head"]["sha"] == head
    assert steps.check_on(FLEET, head, "aios/plan")["conclusion"] == "success"
    assert steps.outside.comments(FLEET, pull["number"]) == []
    merged = steps.merge(pull["number"])
    steps.settle()
    order = steps.take_order()
    assert order is not None, "merged, and no order"
    assert order.order["commit"] == merged
    assert steps.failed == []


def test_upstream_moves_after_the_base_was_merged_into_a_bump(steps: Stepper) -> None:
    """It is still the bot's branch (renovatebot/renovate#982 stopped there): the pull request follows upstream."""
    pull = behind(steps)
    steps.hub.update_branch(FLEET, pull["number"], by=PERSON)
    steps.settle()
    pushed = steps.push_upstream("whoami:v1.10", "whoami:v1.11")
    steps.settle()
    (found,) = steps.outside.pulls(FLEET)
    assert found["number"] == pull["number"]
    assert steps.outside.pin(FLEET, found["head"]["sha"]) == pushed


def test_the_merge_of_the_base_changes_something_else_too(steps: Stepper) -> None:
    """The editor that solves conflicts commits as the same web-flow (REST: pulls/update-branch): a person's work."""
    pull = behind(steps)
    head = steps.hub.update_branch(FLEET, pull["number"], by=PERSON, files={"stacks/own.md": "mine\n"})
    steps.settle()
    steps.push_upstream("whoami:v1.10", "whoami:v1.11")
    steps.settle()
    assert steps.outside.get(f"/repos/{FLEET}/pulls/{pull['number']}")["head"]["sha"] == head
    (note,) = steps.outside.comments(FLEET, pull["number"])
    assert f"{PERSON} committed to it" in note["body"]


def add_hub(steps: Stepper, *, restricted: bool = False) -> None:
    """A hub's repository that shows the fleet; `restricted`: nobody may make branches in it."""
    world = steps.world
    world.hub.create_repository(HUB)
    world.hub.set_permission(HUB, PERSON, "admin")
    if restricted:
        world.hub.restrict_creations(HUB)
    clone = new_repository(world.checkouts / "AIOS")
    commit(clone, {"README.md": "# AIOS\n"})
    world.git(clone, "remote", "add", "origin", f"{world.hub.url}/{HUB}.git")
    world.git(clone, "push", "--quiet", "--set-upstream", "origin", "main")
    world.hub.add_to_installation(world.installation, [HUB])
    file = (world.checkouts / "aios-win/.github/aios-bot.yml").read_text()
    world.push(FLEET, {".github/aios-bot.yml": f"{file}hub: {HUB}\n"}, "Shown by the hub")
    steps.settle()


def new_hub(steps: Stepper) -> dict[str, Any]:
    """The pull request of a hub that shows the fleet; its base has moved since."""
    world = steps.world
    add_hub(steps)
    (pull,) = steps.outside.pulls(HUB)
    world.push(HUB, {"notes.md": "words\n"}, "Something else")
    steps.settle()
    return dict(pull)


def shows_the_next_pin(steps: Stepper) -> bool:
    """Whether the documents follow when the fleet's pin moves."""
    steps.merge(steps.bump()["number"])
    steps.settle()
    (pull,) = steps.outside.pulls(HUB)
    return steps.outside.pin(FLEET, "main")[:7] in steps.text_of(HUB, PAGE, pull["head"]["sha"])


@pytest.mark.parametrize("name", WEB_FLOWS)
def test_the_base_is_merged_into_a_hubs_documents(steps: Stepper, name: str) -> None:
    """The documents' branch has the same button, and its commits are the web-flow's (desktop/desktop#13852)."""
    steps.hub.behaviours.web_flow = name
    documents = new_hub(steps)
    steps.hub.update_branch(HUB, documents["number"], by=PERSON)
    steps.settle()
    assert shows_the_next_pin(steps)


def test_a_server_commits_as_github_enterprise(steps: Stepper) -> None:
    """What an App makes by the API is committed under that name (desktop/desktop#4329): still the bot's own."""
    steps.hub.behaviours.web_flow = "GitHub Enterprise"
    new_hub(steps)
    assert shows_the_next_pin(steps)


def test_a_person_edits_a_hubs_documents_on_their_branch(steps: Stepper) -> None:
    """Edited on GitHub's page, so committed by the same web-flow: theirs, and left alone."""
    documents = new_hub(steps)
    head = steps.hub.update_branch(HUB, documents["number"], by=PERSON, files={PAGE: "mine\n"})
    steps.settle()
    assert not shows_the_next_pin(steps)
    assert steps.outside.get(f"/repos/{HUB}/pulls/{documents['number']}")["head"]["sha"] == head
