"""GitHub's event of a push comes before a fetch gets what was pushed."""

from __future__ import annotations

import itertools
from pathlib import Path

from sandbox.github import EmbeddedGitHub
from sandbox.world import FLEET, SERVER
from tests.github.stepping import Stepper, stepping
from tests.github.test_required_plan import move_pin


def push_unseen(steps: Stepper) -> str:
    """Push to the upstream, at a moment from which fetches lag behind; the commit."""
    steps.advance(60)
    pushed = steps.push_upstream()
    steps.hub.behaviours.git_lag = 5
    steps.settle()
    return pushed


def test_an_upstream_is_pushed_to(steps: Stepper) -> None:
    """rancher/fleet#4842, jquery/jquery-license#23: the bump comes seconds later, and not at the next sweep."""
    pushed = push_unseen(steps)
    assert steps.outside.pulls(FLEET) == []
    steps.advance(62)
    proposed = [steps.outside.pin(FLEET, pull["head"]["sha"]) for pull in steps.outside.pulls(FLEET)]
    assert proposed == [pushed]
    assert steps.failed == []


def test_of_a_burst_of_pushes_one_is_looked_at(steps: Stepper) -> None:
    """Each push has a job of its own; the first sees the newest commit, and the others ask GitHub nothing."""
    steps.advance(60)
    versions = [f"traefik:v3.{number}" for number in range(1, 6)]
    for old, new in itertools.pairwise(versions):
        pushed = steps.push_upstream(old, new)
    before = len(steps.hub.requests)
    steps.settle()
    searches = [
        one
        for one in steps.hub.requests[before:]
        if one.method == "GET" and one.path.partition("?")[0].endswith("/pulls")
    ]
    assert len([one for one in searches if f"/{FLEET}/" in one.path]) <= 2, searches
    proposed = [steps.outside.pin(FLEET, pull["head"]["sha"]) for pull in steps.outside.pulls(FLEET)]
    assert proposed == [pushed]
    assert steps.failed == []


def test_a_fleet_cannot_be_fetched_yet(tmp_path: Path) -> None:
    """The App is installed seconds after the first push: the API has the fleet file, and a fetch does not
    (rancher/fleet#4842). It is a fleet seconds later, and not at the next sweep."""

    def lag(hub: EmbeddedGitHub) -> None:
        hub.behaviours.git_lag = 5

    with stepping(tmp_path, prepare=lag) as steps:
        steps.begin()
        assert steps.service.intake.pins.pins_of(FLEET) == ()
        steps.advance(10)
        assert len(steps.service.intake.pins.pins_of(FLEET)) == 1
        assert steps.failed == []


def test_a_fleet_file_is_pushed(steps: Stepper) -> None:
    """The same of a fleet: what its file says from now on holds seconds later."""
    steps.advance(60)
    file = (steps.world.checkouts / "aios-win/.github/aios-bot.yml").read_text()
    steps.world.push(FLEET, {".github/aios-bot.yml": f"{file}commands: {{prefix: /fleet}}\n"}, "Another prefix")
    steps.hub.behaviours.git_lag = 5
    steps.advance(62)
    (pin,) = steps.service.intake.pins.pins_of(FLEET)
    assert pin.prefix == "/fleet"
    assert steps.failed == []


def test_what_was_pushed_never_comes(steps: Stepper) -> None:
    """Somebody force-pushed it away in the same second: what is there now counts, after a minute."""
    clone = steps.world.checkouts / "server"
    steps.push_upstream()
    steps.world.git(clone, "reset", "--hard", "--quiet", "HEAD~1")
    steps.world.git(clone, "push", "--quiet", "--force", "origin", "HEAD:main")
    steps.settle()
    steps.advance(120)
    assert steps.waiting == []
    assert steps.failed == []


def test_the_pin_of_a_merge_is_on_no_branch_any_more(steps: Stepper) -> None:
    """Somebody force-pushed over it before the bot saw it. GitHub still serves the commit by its SHA, as it serves
    those of any fork (docs: commits outside of a repository), which proves nothing. The pull request says so."""
    clone = steps.world.checkouts / "server"
    lost = steps.push_upstream()
    pull = move_pin(steps, lost, "mine")
    steps.merge(pull["number"])
    steps.world.git(clone, "reset", "--hard", "--quiet", "HEAD~1")
    steps.world.git(clone, "push", "--quiet", "--force", "origin", "HEAD:main")
    steps.settle()
    assert steps.take_order() is None
    told = [one["body"] for one in steps.outside.comments(FLEET, pull["number"]) if "aios-bot:rollout" in one["body"]]
    assert len(told) == 1, steps.failed
    assert f"no branch of {SERVER} has {lost[:7]}" in told[0].replace("\\", ""), told
    assert steps.failed == []
    steps.world.git(clone, "push", "--quiet", "origin", f"{lost}:refs/heads/kept")
    steps.look_around()
    order = steps.take_order()
    assert order is not None
    assert order.order["pin"] == lost
