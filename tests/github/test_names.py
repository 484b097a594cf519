"""Repositories and Apps are renamed, archived and removed; the bot follows, and stops looking for what is gone."""

from __future__ import annotations

import pytest

from bot.domain.names import RepoName
from bot.features.commands.store import CommandStore
from bot.features.holds.store import HoldStore
from sandbox.world import FLEET, NODE, OWNER, PERSON, SERVER
from tests.github.stepping import Stepper


def test_an_upstream_is_renamed(steps: Stepper) -> None:
    """`repository.renamed`; the old address redirects (REST: repos/get, 301). Pins are known by the new name."""
    steps.hub.set_private(SERVER, private=True)
    steps.hub.rename_repository(SERVER, "stacks")
    steps.settle()
    pins = steps.service.intake.pins.snapshot()
    assert [pin.fleet for pin in pins.pinned_by(f"{OWNER}/stacks")] == [FLEET]  # type: ignore[arg-type]  # a plain name
    assert pins.pinned_by(SERVER) == ()
    assert steps.bump()["state"] == "open"
    assert steps.failed == []


def test_a_fleet_is_renamed(steps: Stepper) -> None:
    """The merge after a rename is an event of the new name: it gives an order."""
    number = steps.bump()["number"]
    steps.hub.rename_repository(FLEET, "machines")
    steps.settle()
    pins = steps.service.intake.pins.snapshot()
    assert pins.pins_of(FLEET) == ()
    steps.hub.merge_pull(f"{OWNER}/machines", number, by="owner")
    steps.settle()
    assert steps.take_order() is not None, f"no order: {steps.failed}"


def test_what_was_decided_in_a_fleet_goes_with_it(steps: Stepper) -> None:
    """`repository.renamed`: a name is no identity. Locks, holds and plans are the repository's."""
    number = steps.bump()["number"]
    for text in ("/hold not this week", f"/lock {NODE} by hand"):
        steps.hub.comment(FLEET, number, text, by=PERSON)
    steps.settle()
    proposed = steps.outside.pulls(FLEET)[0]["head"]["sha"]
    steps.hub.rename_repository(FLEET, "machines")
    steps.settle()
    steps.push_upstream("whoami:v1.10", "whoami:v1.11")
    steps.settle()
    renamed = RepoName(f"{OWNER}/machines")
    assert [one["head"]["sha"] for one in steps.outside.pulls(renamed)] == [proposed], "the hold is lost"
    holds = HoldStore(steps.service.intake.pins._store)
    assert [(one.node, one.fleet) for one in holds.find_locks(renamed, now=steps.clock.now)] == [(NODE, renamed)]
    assert holds.find_locks(FLEET, now=steps.clock.now) == ()
    assert steps.failed == []


def test_a_rename_that_cannot_be_followed_now_is_no_loop(steps: Stepper, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same while the database fails: the next look at all fleets makes up for it."""
    number = steps.bump()["number"]
    steps.hub.comment(FLEET, number, "/hold not this week", by=PERSON)
    steps.settle()
    with monkeypatch.context() as broken:
        broken.setattr(CommandStore, "adopt", fail)
        steps.hub.rename_repository(FLEET, "machines")
        steps.settle()
    steps.failed.clear()
    steps.look_around()
    holds = HoldStore(steps.service.intake.pins._store)
    assert len(holds.find_everything(RepoName(f"{OWNER}/machines"), now=steps.clock.now)[1]) == 1
    assert steps.failed == []


def fail(*_arguments: object) -> None:
    raise OSError("no disk")


def test_a_fleet_is_deleted_and_made_again(steps: Stepper) -> None:
    """Another repository has its name, with numbers from one on (polarsource/polar#2502,
    cla-assistant/cla-assistant#779): nothing that was decided in the one before is meant for it."""
    number = steps.bump()["number"]
    for text in (f"/deploy {NODE}", "/hold not this week"):
        steps.hub.comment(FLEET, number, text, by=PERSON)
    steps.settle()
    assert steps.take_order() is not None
    steps.hub.delete_repository(FLEET)
    steps.settle()
    steps.hub.create_repository(FLEET)
    steps.hub.set_permission(FLEET, PERSON, "admin")
    steps.world.git(steps.world.checkouts / "aios-win", "push", "--quiet", "origin", "main")
    steps.hub.add_repositories(steps.world.installation, [FLEET])
    steps.settle()
    assert [one["number"] for one in steps.outside.pulls(FLEET)] == [number], "the hold of before is kept"
    assert HoldStore(steps.service.intake.pins._store).find_everything(FLEET, now=steps.clock.now) == ((), ())
    steps.look_around()
    assert steps.take_order() is None, "of a command in the repository before"
    steps.merge(number)
    steps.settle()
    assert steps.take_order() is not None, f"no order: {steps.failed}"
    assert steps.failed == []


def test_the_app_is_renamed(steps: Stepper) -> None:
    """Its bot has the new name at once, on what it made before too (REST: apps/get-authenticated), and no event says
    so: an order of before is an order still, and its report is the one that is kept."""
    number = steps.bump()["number"]
    steps.merge(number)
    steps.settle()
    steps.hub.rename_app(steps.world.app.id, "deployer")
    steps.look_around()
    assert len(steps.hub.deployments(FLEET)) == 1, "a second order"
    reports = [one for one in steps.outside.comments(FLEET, number) if "aios-bot:rollout" in one["body"]]
    assert len(reports) == 1
    assert steps.failed == []


def test_a_fleet_is_archived(steps: Stepper) -> None:
    """`repository.archived`: it is read-only (403 for every write), so nothing more is tried there."""
    steps.hub.archive_repository(FLEET)
    steps.settle()
    assert steps.service.intake.pins.pins_of(FLEET) == ()
    steps.push_upstream()
    steps.settle()
    assert [one.method for one in steps.hub.requests if one.status == 403] == []
    assert steps.failed == []


def test_the_app_is_uninstalled(steps: Stepper) -> None:
    """`installation.deleted`: its tokens end and GitHub answers 404; nothing is asked about it any more."""
    steps.hub.uninstall(steps.world.installation)
    steps.hub.requests.clear()
    steps.settle()
    assert steps.service.intake.pins.pins_of(FLEET) == ()
    assert steps.failed == []
    assert [one.path for one in steps.hub.requests] == []


@pytest.mark.parametrize("happens", ["suspended", "uninstalled"])
def test_the_event_of_an_installations_end_is_lost(steps: Stepper, happens: str) -> None:
    """A suspended installation is listed still, and its tokens are refused with 403 (mend/renovate-ce-ee#391); GitHub
    repeats no delivery by itself (docs: handling failed webhook deliveries): the next look at all of them sees it."""
    before = len(steps.hub.deliveries)
    end = steps.hub.suspend if happens == "suspended" else steps.hub.uninstall
    end(steps.world.installation)
    del steps.hub.deliveries[before:]
    steps.look_around_everywhere()
    assert steps.service.intake.pins.pins_of(FLEET) == ()
    assert steps.failed == []
