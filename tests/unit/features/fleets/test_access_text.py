"""What people read when the App may not do what a fleet needs."""

from __future__ import annotations

from bot.domain.names import RepoName, SubmodulePath
from bot.features.fleets.text import (
    MissingPermission,
    UnreadableUpstream,
    render_access_problem,
    render_access_title,
)

ACTIONS = MissingPermission("actions", "write", "start the deploy workflow")
SERVER = UnreadableUpstream(SubmodulePath("server"), RepoName("acme/server"))


def test_the_title_names_all_that_is_missing() -> None:
    assert render_access_title([ACTIONS], [SERVER]) == "The App has no access to actions: write, acme/server"
    assert len(render_access_title([ACTIONS] * 50, [])) == 255


def test_a_missing_permission_comes_with_what_does_not_work_and_where_to_grant_it() -> None:
    assert render_access_problem([ACTIONS], [], settings_url="https://github.example/settings/installations/7") == (
        "This account has not granted the App:\n\n"
        "| permission | without it the bot cannot |\n|---|---|\n"
        "| `actions: write` | start the deploy workflow |\n\n"
        "An owner of the account accepts it in "
        "[the installation's settings](https://github.example/settings/installations/7). All else goes on."
    )


def test_an_unreadable_upstream_comes_with_its_cure() -> None:
    text = render_access_problem([], [SERVER], settings_url="")
    assert text.startswith("The App cannot read <code>acme/server</code>, which <code>server</code> comes from")
    assert text.endswith("the installation's settings, or correct its address in `.gitmodules`.")
    assert render_access_problem([ACTIONS], [SERVER], settings_url="").count("\n\n") == 3


def test_nothing_missing_says_nothing() -> None:
    assert render_access_problem([], [], settings_url="x") == ""
