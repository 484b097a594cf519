"""GitHub does not let the bot at a repository, or its git does not answer."""

from __future__ import annotations

import pytest

from sandbox.faults import Fault
from sandbox.world import FLEET, SERVER
from tests.github.stepping import Stepper

NOT_ALLOWED = (
    "Although you appear to have the correct authorization credentials, the `Tecnocrat` organization has an IP allow "
    "list enabled, and your IP address is not permitted to access this resource."
)


@pytest.mark.parametrize(("status", "words"), [(403, NOT_ALLOWED), (451, "Repository access blocked")])
def test_github_refuses_to_show_an_upstream(steps: Stepper, status: int, words: str) -> None:
    """An organisation's list of allowed addresses (microsoft/PullRequestQuantifier#118, aquasecurity/trivy#10567), a
    repository that was taken down: the fleet is read all the same, and its head says what GitHub says."""
    blocked = Fault(lambda _method, path: path.endswith(f"/repos/{SERVER}"), status, times=1_000, message=words)
    steps.hub.faults.append(blocked)
    steps.look_around()
    assert [job for job, _ in steps.failed if getattr(job, "fleet", "") == FLEET] == []
    said = steps.check(FLEET, "aios/access")
    assert said is not None
    assert said["output"]["title"] == f"The App has no access to {SERVER}"
    assert words.split("`", maxsplit=1)[0].strip() in said["output"]["summary"]
    steps.hub.faults.clear()
    steps.look_around()
    assert steps.bump()["state"] == "open"


def test_a_submodule_comes_from_another_server(steps: Stepper) -> None:
    """The fleet file names it, and no push of that server ever comes: the head says so, without the address, which
    may hold a password."""
    clone = steps.world.checkouts / "aios-win"
    modules = clone / ".gitmodules"
    modules.write_text(modules.read_text().replace("../server.git", "https://me:hunter2@gitlab.com/Tecnocrat/server"))
    steps.world.git(clone, "commit", "--quiet", "--all", "--message", "From elsewhere")
    steps.world.git(clone, "push", "--quiet", "origin", "HEAD")
    steps.settle()
    said = steps.check(FLEET, "aios/access")
    assert said is not None
    assert "<code>server</code> in `.gitmodules` is no repository of this GitHub" in said["output"]["summary"]
    assert "hunter2" not in str(said)
    assert steps.failed == []


def test_git_does_not_answer_while_the_api_does(steps: Stepper) -> None:
    """A fetch is answered 500 or 503 for hours (actions/checkout#505, desktop/desktop#10450), and the API is well:
    the merge waits, and is not given up."""
    number = steps.bump()["number"]
    steps.hub.faults.append(Fault(lambda _method, path: ".git/" in path, 503, times=10_000))
    steps.merge(number)
    steps.advance(1_800)
    assert steps.failed == []
    assert steps.take_order() is None
    steps.hub.faults.clear()
    steps.advance(120)
    assert steps.take_order() is not None


@pytest.mark.parametrize("status", [404, 403])
def test_a_proxy_answers_in_githubs_place(steps: Stepper, status: int) -> None:
    """A page of HTML where GitHub sends JSON: it says nothing of the repository, which is not taken for gone."""
    page = Fault(lambda _method, path: path.endswith(f"/repos/{FLEET}"), status, times=3, page="<html>Sign in</html>")
    steps.hub.faults.append(page)
    steps.look_around()
    assert steps.service.intake.pins.pins_of(FLEET) != ()
    steps.advance(300)
    assert page.played == 3
    assert steps.failed == []
    assert steps.bump()["state"] == "open"
