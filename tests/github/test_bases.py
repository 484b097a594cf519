"""Which branches a fleet deploys from, and which pull request is for which of them."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from bot.cli.main import aios_bot
from sandbox.world import FLEET, PERSON
from tests.github.stepping import Stepper


def list_stable(steps: Stepper) -> None:
    """Let the fleet deploy from `stable` too; the service looks at it once."""
    file = (steps.world.checkouts / "aios-win/.github/aios-bot.yml").read_text()
    steps.world.push(FLEET, {".github/aios-bot.yml": f"{file}bases: [main, stable]\n"}, "Two bases")
    steps.settle()


def test_a_listed_base_gets_its_first_fleet_file(steps: Stepper) -> None:
    """A `push` to a branch that pins nothing yet: GitHub sends it like any other, and nothing else is sent."""
    list_stable(steps)
    clone = steps.world.checkouts / "aios-win"
    steps.world.git(clone, "push", "--quiet", "origin", "HEAD:refs/heads/stable")
    steps.settle()
    bases = {pin.base for pin in steps.service.intake.pins.pins_of(FLEET)}
    assert bases == {"main", "stable"}
    steps.push_upstream()
    steps.settle()
    assert {pull["base"]["ref"] for pull in steps.outside.pulls(FLEET)} == {"main", "stable"}


def test_a_listed_base_does_not_exist(steps: Stepper) -> None:
    """Nothing is sent for a branch that is not there (REST: branches/get, 404): the default branch's head says so."""
    list_stable(steps)
    told = steps.check(FLEET, "aios/base")
    assert told is not None
    assert told["output"]["title"] == "Base stable is inactive"
    assert "does not exist" in told["output"]["summary"]
    assert steps.failed == []


def test_check_looks_at_every_base(steps: Stepper, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each base has its own `.gitmodules`, and each one's upstream may be outside the installation (404)."""
    list_stable(steps)
    clone = steps.world.checkouts / "aios-win"
    steps.world.git(clone, "checkout", "--quiet", "-b", "stable")
    modules = clone / ".gitmodules"
    modules.write_text(modules.read_text().replace("server.git", "nowhere.git"))
    steps.world.git(clone, "commit", "--quiet", "--all", "--message", "From elsewhere")
    steps.world.git(clone, "push", "--quiet", "origin", "stable")
    found = run_check(steps, monkeypatch)
    assert f"server comes from {FLEET.split('/')[0]}/nowhere, which the App cannot read" in found
    (clone / ".github/aios-bot.yml").write_text("bases: [main\n")
    steps.world.git(clone, "commit", "--quiet", "--all", "--message", "Broken")
    steps.world.git(clone, "push", "--quiet", "origin", "stable")
    assert "branch stable: " in run_check(steps, monkeypatch)


def run_check(steps: Stepper, monkeypatch: pytest.MonkeyPatch) -> str:
    """What `aios-bot check` prints."""
    for name, value in {
        "GITHUB_APP_ID": str(steps.world.app.id),
        "GITHUB_APP_PRIVATE_KEY": steps.world.app.private_key_pem,
        "GITHUB_WEBHOOK_SECRET": "0123456789abcdef",
        "GITHUB_API_URL": f"{steps.hub.url}/api/v3",
        "AIOS_BOT_DATA": str(steps.world.checkouts.parent / "bot"),
    }.items():
        monkeypatch.setenv(name, value)
    return CliRunner().invoke(aios_bot, ["check"]).output


def test_the_base_of_a_bump_is_changed(steps: Stepper) -> None:
    """`pull_request.edited` with `changes.base`: GitHub allows a second pull request from the same branch, and two
    would move together."""
    pull = steps.bump()
    clone = steps.world.checkouts / "aios-win"
    steps.world.git(clone, "push", "--quiet", "origin", "HEAD:refs/heads/other")
    steps.hub.retarget_pull(FLEET, pull["number"], "other", by=PERSON)
    steps.settle()
    steps.push_upstream("whoami:v1.10", "whoami:v1.11")
    steps.settle()
    assert [one["number"] for one in steps.outside.pulls(FLEET)] == [pull["number"]]
    (note,) = steps.outside.comments(FLEET, pull["number"])
    assert "The base of this pull request was changed" in note["body"]
    steps.hub.retarget_pull(FLEET, pull["number"], "main", by=PERSON)
    steps.settle()
    (found,) = steps.outside.pulls(FLEET)
    assert "v1.11" in str(found["title"]) + str(found["body"])
