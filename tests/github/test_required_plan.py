"""A branch requires `aios/plan`: GitHub waits for it on every pull request, whoever opened it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.world import FLEET, NODE, PERSON
from tests.github.stepping import Stepper, stepping
from tests.gitworld import git

PLAN = "aios/plan"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stepper]:
    """One small AIOS for all of these: each test has a branch and a pull request of its own."""
    with stepping(tmp_path_factory.mktemp("aios")) as found:
        found.begin()
        yield found


@pytest.fixture
def steps(shared: Stepper) -> Stepper:
    """The clone is at the newest `main`, nothing has failed, and no order waits."""
    clone = shared.world.checkouts / "aios-win"
    shared.world.git(clone, "fetch", "--quiet", "origin")
    shared.world.git(clone, "switch", "--quiet", "--force", "main")
    shared.world.git(clone, "reset", "--quiet", "--hard", "origin/main")
    shared.failed.clear()
    while shared.take_order() is not None:
        pass
    return shared


def propose(steps: Stepper, files: dict[str, str], branch: str, *, base: str = "main") -> dict[str, Any]:
    """Open a person's own pull request."""
    clone = steps.world.checkouts / "aios-win"
    steps.world.git(clone, "switch", "--quiet", "--force-create", branch, f"origin/{base}")
    commit(steps, clone, files)
    steps.world.git(clone, "push", "--quiet", "origin", branch)
    asked = {"title": "Mine", "head": branch, "base": base, "body": ""}
    return dict(steps.outside.send("POST", f"/repos/{FLEET}/pulls", asked))


def commit(steps: Stepper, clone: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (clone / path).parent.mkdir(parents=True, exist_ok=True)
        (clone / path).write_text(text)
    steps.world.git(clone, "add", "--", *files)
    steps.world.git(clone, "commit", "--quiet", "--message", "Mine")


def move_pin(steps: Stepper, pin: str, branch: str) -> dict[str, Any]:
    """Open a person's own pull request that moves the pin."""
    clone = steps.world.checkouts / "aios-win"
    steps.world.git(clone, "switch", "--quiet", "--force-create", branch, "origin/main")
    steps.world.git(clone, "update-index", "--cacheinfo", f"160000,{pin},server")
    steps.world.git(clone, "commit", "--quiet", "--message", "Move the pin")
    steps.world.git(clone, "push", "--quiet", "origin", branch)
    steps.world.git(clone, "reset", "--quiet", "--hard")
    asked = {"title": "Mine", "head": branch, "base": "main", "body": ""}
    return dict(steps.outside.send("POST", f"/repos/{FLEET}/pulls", asked))


def plan_of(steps: Stepper, pull: dict[str, Any]) -> dict[str, Any]:
    """The check on the pull request's head as it is now."""
    head = steps.outside.get(f"/repos/{FLEET}/pulls/{pull['number']}")["head"]["sha"]
    return steps.check_on(FLEET, head, PLAN)


def test_a_pull_request_that_moves_no_pin_waits_for_the_required_check(steps: Stepper) -> None:
    """ "Expected - waiting for status to be reported", for ever (docs: troubleshooting required status checks). It is
    looked for once, and posted."""
    steps.hub.set_rules(FLEET, "main", contexts=[PLAN])
    pull = propose(steps, {"mine-1.md": "words\n"}, "mine-1")
    steps.settle()
    found = plan_of(steps, pull)
    assert (found["conclusion"], found["output"]["title"]) == ("success", "Moves no pin")
    assert found["output"]["summary"] == "Moves no pin: merging deploys nothing."
    steps.merge(pull["number"])
    steps.settle()
    assert steps.take_order() is None
    assert steps.failed == []


def test_each_new_head_waits_again(steps: Stepper) -> None:
    """`pull_request.synchronize`, after a push and after "Update branch": a check belongs to one commit."""
    pull = propose(steps, {"mine-2.md": "words\n"}, "mine-2")
    steps.settle()
    clone = steps.world.checkouts / "aios-win"
    commit(steps, clone, {"mine-2.md": "more\n"})
    steps.world.git(clone, "push", "--quiet", "origin", "mine-2")
    steps.settle()
    assert plan_of(steps, pull)["conclusion"] == "success"
    steps.world.git(clone, "switch", "--quiet", "main")
    steps.world.push(FLEET, {"other.md": "words\n"}, "Something else")
    steps.settle()
    head = steps.hub.update_branch(FLEET, pull["number"], by=PERSON)
    steps.settle()
    assert steps.check_on(FLEET, head, PLAN)["output"]["title"] == "Moves no pin"


def test_a_fork_has_its_own_commits(steps: Stepper) -> None:
    """A fork's head is in `refs/pull/N/head` alone, and its branch may have the name of a bump's."""
    token = steps.hub.create_user("stranger")
    fork = steps.hub.fork(FLEET, by="stranger")
    clone = steps.world.checkouts / "stranger"
    address = steps.hub.url.replace("://", f"://stranger:{token}@")
    git(clone.parent, "clone", "--quiet", f"{address}/{fork}.git", clone.name)
    git(clone, "config", "user.name", "stranger")
    git(clone, "config", "user.email", "stranger@example.com")
    git(clone, "switch", "--quiet", "--create", "aios-bot/main/server")
    git(clone, "commit", "--quiet", "--allow-empty", "--message", "Words")
    git(clone, "push", "--quiet", "origin", "HEAD")
    asked = {"title": "Theirs", "head": "stranger:aios-bot/main/server", "base": "main", "body": ""}
    pull = steps.outside.send("POST", f"/repos/{FLEET}/pulls", asked)
    steps.settle()
    assert plan_of(steps, pull)["output"]["title"] == "Moves no pin"
    assert steps.failed == []


def test_the_event_of_a_pull_request_is_lost(steps: Stepper) -> None:
    """GitHub repeats no delivery by itself (docs: handling failed webhook deliveries): the next look finds it."""
    before = len(steps.hub.deliveries)
    pull = propose(steps, {"mine-3.md": "words\n"}, "mine-3")
    del steps.hub.deliveries[before:]
    steps.look_around()
    assert plan_of(steps, pull)["output"]["title"] == "Moves no pin"


def test_a_pull_request_for_another_branch(steps: Stepper) -> None:
    """A ruleset for `*` requires the check for every branch (REST: `conditions.ref_name.include` with `~ALL`)."""
    clone = steps.world.checkouts / "aios-win"
    steps.world.git(clone, "push", "--quiet", "origin", "main:refs/heads/feature")
    steps.world.git(clone, "fetch", "--quiet", "origin")
    steps.settle()
    pull = propose(steps, {"mine-4.md": "words\n"}, "mine-4", base="feature")
    steps.settle()
    found = plan_of(steps, pull)
    assert (found["conclusion"], found["output"]["title"]) == ("success", "Deploys nothing")
    assert "<code>feature</code>" in found["output"]["summary"]


def test_a_person_moves_the_pin(steps: Stepper) -> None:
    """It waits for the check like the bot's own: the plan is made, and is the one that the merge approves."""
    pushed = steps.push_upstream()
    pull = move_pin(steps, pushed, "pin-7")
    steps.settle()
    found = plan_of(steps, pull)
    assert found["conclusion"] == "success"
    assert "traefik" in found["output"]["text"] + found["output"]["summary"]
    merged = steps.merge(pull["number"])
    steps.settle()
    order = steps.take_order()
    assert order is not None, "merged, and no order"
    assert order.order["commit"] == merged


def test_a_person_moves_the_pin_to_what_upstream_does_not_have(steps: Stepper) -> None:
    """GitHub takes any commit as a submodule's: nothing checks that the other repository has it."""
    pull = move_pin(steps, "1234567890" * 4, "pin-8")
    steps.settle()
    found = plan_of(steps, pull)
    assert (found["conclusion"], found["output"]["title"]) == ("failure", "Cannot be planned")
    assert "<code>server</code> would be at <code>1234567</code>" in found["output"]["summary"]


def test_a_node_is_added(steps: Stepper) -> None:
    """No pin moves, and yet its merge gives the new machine what the branch pins: the check says so."""
    file = (steps.world.checkouts / "aios-win/.github/aios-bot.yml").read_text()
    more = file.replace(f"  {NODE}:\n", "  HP_NEW:\n    platform: linux\n  " + f"{NODE}:\n", 1)
    assert more != file
    pull = propose(steps, {".github/aios-bot.yml": more}, "mine-5")
    steps.settle()
    found = plan_of(steps, pull)
    assert found["output"]["title"] == "Moves no pin, adds 1 node"
    assert "<code>HP_NEW</code>" in found["output"]["summary"]


def test_the_fleet_file_gets_wrong(steps: Stepper) -> None:
    """A pull request that nobody checks would stop the fleet once it is merged."""
    pull = propose(steps, {".github/aios-bot.yml": "nodes: [\n"}, "mine-6")
    steps.settle()
    assert plan_of(steps, pull)["conclusion"] == "failure"


VERSIONS = {
    method: (f"whoami:v1.{number}", f"whoami:v1.{number + 1}")
    for number, method in enumerate(("merge", "squash", "rebase"), start=10)
}


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_merged_pull_request_keeps_the_plan_that_was_approved(steps: Stepper, method: str) -> None:
    """`pull_request.edited` comes for merged ones too, and its author may edit the title. A check that says "no pin
    moves" would stand for the plan with which a later `/deploy` is compared."""
    pull = move_pin(steps, steps.push_upstream(*VERSIONS[method]), f"mine-after-{method}")
    steps.settle()
    before = plan_of(steps, pull)
    assert "Moves no pin" not in before["output"]["title"]
    steps.merge(pull["number"], method=method)
    steps.settle()
    steps.outside.send("PATCH", f"/repos/{FLEET}/pulls/{pull['number']}", {"title": "Another title"})
    steps.settle()
    after = plan_of(steps, pull)
    assert (after["id"], after["output"]["title"]) == (before["id"], before["output"]["title"])


def test_a_plan_that_nobody_saw_before_the_merge_is_not_posted_after_it(steps: Stepper) -> None:
    """A squashed head is on no base, so by git alone its pull request looks as if it could still be merged."""
    steps.hub.set_rules(FLEET, "main", contexts=[])
    before = len(steps.hub.deliveries)
    pull = move_pin(steps, steps.push_upstream("whoami:v1.13", "whoami:v1.14"), "mine-unseen")
    steps.merge(pull["number"], method="squash")
    del steps.hub.deliveries[before:]
    steps.outside.send("PATCH", f"/repos/{FLEET}/pulls/{pull['number']}", {"title": "Another title"})
    steps.settle()
    head = steps.outside.get(f"/repos/{FLEET}/pulls/{pull['number']}")["head"]["sha"]
    assert PLAN not in steps.outside.checks(FLEET, head)
