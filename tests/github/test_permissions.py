"""Accounts grant an App less than it asks for, and the bot does without exactly that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli.main import aios_bot
from bot.domain.names import InstallationId
from bot.github import manifest
from sandbox.github import EmbeddedGitHub
from sandbox.world import FLEET, OWNER, SERVER
from tests.github.stepping import Stepper, stepping


def personal(hub: EmbeddedGitHub) -> None:
    hub.behaviours.personal_accounts = True


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Stepper]:
    """Private repositories of a personal account."""
    with stepping(tmp_path, prepare=personal, private=True) as found:
        yield found


def deployed(steps: Stepper) -> str:
    """Merge a bump, and let the node carry its order out; the commit of the order."""
    steps.merge(steps.bump()["number"])
    steps.settle()
    order = steps.take_order()
    assert order is not None, f"no order: {steps.failed}"
    steps.report(order, "success")
    steps.settle()
    return str(order.order["commit"])


def test_a_personal_account_has_no_organisation_permissions(home: Stepper) -> None:
    """A token with `members` is refused there: chad-loder/pyhaul#20."""
    home.begin()
    merged = deployed(home)
    assert merged == home.outside.get(f"/repos/{FLEET}/branches/main")["commit"]["sha"]
    assert home.failed == []
    assert home.check(FLEET, "aios/access") is None  # nothing that a personal account could grant is missing


def test_an_owner_has_not_accepted_a_new_permission_yet(home: Stepper) -> None:
    """Until then a token with it is refused: peter-murray/workflow-application-token-action#48."""
    number = home.world.installation
    granted = {name: level for name, level in manifest.permissions().items() if name not in ("members", "statuses")}
    home.hub.accept_permissions(number, granted)
    home.begin()
    told = home.check(FLEET, "aios/access")
    assert told is not None
    assert told["conclusion"] == "action_required"
    assert told["output"]["title"] == "The App has no access to statuses: read"
    assert "wait for upstream" in told["output"]["summary"]
    assert f"/settings/installations/{number}" in told["output"]["summary"]
    deployed(home)
    assert home.failed == []
    home.hub.accept_permissions(number)
    home.settle()
    ended = home.check(FLEET, "aios/access")
    assert ended is not None
    assert ended["conclusion"] == "success"


def test_an_owner_may_take_the_right_to_post_checks_away(home: Stepper) -> None:
    """Nothing can be told on GitHub then; bumps and orders go on (installation object, `permissions`)."""
    granted = {name: level for name, level in manifest.permissions().items() if name != "checks"}
    home.hub.accept_permissions(home.world.installation, granted)
    home.begin()
    assert home.failed == []
    assert home.service.worker.app.installation(InstallationId(home.world.installation)).lacking[0].name == "checks"


def test_a_repository_of_the_same_owner_is_outside_the_installation(tmp_path: Path) -> None:
    """Naming it refuses the whole token (422, REST: apps/create-installation-access-token), also where `.gitmodules`
    names its branch: the fleet goes on without it."""
    with stepping(tmp_path, private=True) as steps:
        steps.hub.create_repository(f"{OWNER}/elsewhere", private=True)
        clone = steps.world.checkouts / "aios-win"
        head = steps.world.git(steps.world.checkouts / "server", "rev-parse", "HEAD")
        modules, file = clone / ".gitmodules", clone / ".github/aios-bot.yml"
        modules.write_text(
            modules.read_text() + '[submodule "other"]\n\tpath = other\n\turl = ../elsewhere.git\n\tbranch = main\n'
        )
        file.write_text(file.read_text().replace("nodes:\n", "  other: {}\nnodes:\n"))
        steps.world.git(clone, "add", ".gitmodules", ".github")
        steps.world.git(clone, "update-index", "--add", "--cacheinfo", f"160000,{head},other")
        steps.world.git(clone, "commit", "--quiet", "--message", "Pin one more")
        steps.world.git(clone, "push", "--quiet", "origin", "main")
        steps.begin()
        told = steps.check(FLEET, "aios/access")
        assert told is not None
        assert told["output"]["title"] == f"The App has no access to {OWNER}/elsewhere"
        steps.merge(steps.bump()["number"])
        steps.settle()
        assert steps.take_order() is not None, "merged, and no order"
        assert steps.failed == []


def test_check_asks_for_the_tokens_that_the_service_uses(home: Stepper, monkeypatch: pytest.MonkeyPatch) -> None:
    """`aios-bot check` names the missing permission, and what does not work without it."""
    granted = {name: level for name, level in manifest.permissions().items() if name not in ("members", "actions")}
    home.hub.accept_permissions(home.world.installation, granted)
    for name, value in {
        "GITHUB_APP_ID": str(home.world.app.id),
        "GITHUB_APP_PRIVATE_KEY": home.world.app.private_key_pem,
        "GITHUB_WEBHOOK_SECRET": "0123456789abcdef",
        "GITHUB_API_URL": f"{home.hub.url}/api/v3",
        "AIOS_BOT_DATA": str(home.world.checkouts.parent / "bot"),
    }.items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(aios_bot, ["check"])
    assert f"installation in {OWNER}: has not granted actions: write, so the bot cannot start" in done.output
    assert "members" not in done.output
    assert SERVER not in done.output  # its private upstream is seen
