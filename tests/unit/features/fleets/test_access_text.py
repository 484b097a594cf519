"""What people read when the App may not do what a fleet needs."""

from __future__ import annotations

from bot.domain.names import BranchName, RepoName, SubmodulePath
from bot.features.fleets.text import (
    MissingPermission,
    UnreadableUpstream,
    render_access_problem,
    render_access_title,
    render_missing_base,
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
        "An owner of the account can grant it in "
        "[the installation's settings](https://github.example/settings/installations/7). "
        "Everything else keeps working."
    )


def test_an_unreadable_upstream_comes_with_its_cure() -> None:
    text = render_access_problem([], [SERVER], settings_url="")
    assert text.startswith("The App cannot read <code>acme/server</code>, which <code>server</code> comes from")
    assert text.endswith("the installation's settings, or correct its address in `.gitmodules`.")
    assert render_access_problem([ACTIONS], [SERVER], settings_url="").count("\n\n") == 3


def test_nothing_missing_says_nothing() -> None:
    assert render_access_problem([], [], settings_url="x") == ""


def test_a_listed_base_that_is_missing_is_named_with_the_cure() -> None:
    assert render_missing_base(BranchName("stable"), exists=False) == (
        "`.github/aios-bot.yml` lists the base <code>stable</code>, which does not exist: nothing is proposed or "
        "deployed there. Push it, or take it off `bases:`. The bot picks the change up automatically."
    )
    assert render_missing_base(BranchName("stable"), exists=True) == (
        "`.github/aios-bot.yml` lists the base <code>stable</code>, which has no `.github/aios-bot.yml`: nothing is "
        "proposed or deployed there. Add `.github/aios-bot.yml` to it, or take it off `bases:`. The bot picks "
        "the change up automatically."
    )
