"""Who pushed the newest commit of a pull request cannot be its only approver (REST: repos/list-activities)."""

from __future__ import annotations

from typing import Any, NamedTuple

import requests

from sandbox.world import FLEET
from tests.github.stepping import Stepper

OVERLAY = "overlays/lab.yml"


class Person(NamedTuple):
    """Somebody who may write the fleet."""

    steps: Stepper
    login: str
    token: str

    def send(self, verb: str, path: str, body: Any) -> Any:
        url = f"{self.steps.hub.url}/api/v3/repos/{FLEET}/{path}"
        answer = requests.request(verb, url, json=body, headers={"Authorization": f"Bearer {self.token}"}, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def push(self, branch: str, head: str, text: str) -> str:
        """A commit on `head`, in somebody else's name; its sha."""
        entry = {"path": OVERLAY, "mode": "100644", "type": "blob", "content": text}
        tree = self.send("POST", "git/trees", {"base_tree": head, "tree": [entry]})["sha"]
        author = {"name": "owner", "email": "owner@example.com"}
        made = {"message": "x", "tree": tree, "parents": [head], "author": author, "committer": author}
        commit = self.send("POST", "git/commits", made)["sha"]
        self.send("PATCH", f"git/refs/heads/{branch}", {"sha": commit, "force": True})
        self.steps.settle()
        return str(commit)

    def approve(self, number: int) -> None:
        self.send("POST", f"pulls/{number}/reviews", {"event": "APPROVE"})
        self.steps.settle()


def person(steps: Stepper, login: str) -> Person:
    token = steps.hub.create_user(login)
    steps.hub.set_permission(FLEET, login, "write")
    return Person(steps, login, token)


def review(steps: Stepper, number: int) -> tuple[str, str]:
    """Conclusion and title of the check on the head."""
    head = steps.outside.get(f"/repos/{FLEET}/pulls/{number}")["head"]["sha"]
    run = steps.outside.checks(FLEET, head)["aios/review"]
    return run["conclusion"], run["output"]["title"]


def test_who_pushed_the_newest_commit_approves_it(steps: Stepper) -> None:
    """In the name of another: the record of pushes counts, and no commit's author."""
    pull, eve, ada = steps.bump(), person(steps, "eve"), person(steps, "ada")
    eve.push(pull["head"]["ref"], pull["head"]["sha"], "services: {}\n")
    eve.approve(pull["number"])
    assert review(steps, pull["number"]) == (
        "action_required",
        "Someone other than the last pusher must approve the newest commit",
    )
    ada.approve(pull["number"])
    assert review(steps, pull["number"]) == ("success", "Approved by ada")


def test_a_merge_of_the_base_is_nobodys_work(steps: Stepper) -> None:
    """Who presses "Update branch" may approve; who pushed what is below that merge may not."""
    pull, eve, ada = steps.bump(), person(steps, "eve"), person(steps, "ada")
    eve.push(pull["head"]["ref"], pull["head"]["sha"], "services: {}\n")
    steps.world.push(FLEET, {"notes.md": "words\n"}, "Something else")
    steps.settle()
    steps.hub.update_branch(FLEET, pull["number"], by="ada")
    steps.settle()
    eve.approve(pull["number"])
    assert review(steps, pull["number"])[0] == "action_required"
    ada.approve(pull["number"])
    assert review(steps, pull["number"]) == ("success", "Approved by ada")


def test_a_merge_of_the_base_with_something_in_it_is_somebodys_work(steps: Stepper) -> None:
    pull, eve = steps.bump(), person(steps, "eve")
    steps.world.push(FLEET, {"notes.md": "words\n"}, "Something else")
    steps.settle()
    steps.hub.update_branch(FLEET, pull["number"], by="eve", files={OVERLAY: "services: {evil: {}}\n"})
    steps.settle()
    eve.approve(pull["number"])
    assert review(steps, pull["number"])[0] == "action_required"


def test_without_a_record_of_pushes_two_people_approve(steps: Stepper) -> None:
    """Of two, one did not push it."""
    steps.hub.behaviours.without_activity = True
    pull, eve, ada = steps.bump(), person(steps, "eve"), person(steps, "ada")
    eve.push(pull["head"]["ref"], pull["head"]["sha"], "services: {}\n")
    eve.approve(pull["number"])
    assert review(steps, pull["number"]) == (
        "action_required",
        "GitHub does not say who pushed the newest commit: a second person must approve it",
    )
    ada.approve(pull["number"])
    assert review(steps, pull["number"]) == ("success", "Approved by eve, ada")
