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


def test_an_upstream_that_github_keeps_to_itself_comes_with_githubs_words() -> None:
    one = SERVER._replace(refusal="not from\n@here " + "x" * 400)
    text = render_access_problem([], [one], settings_url="")
    assert text.startswith("GitHub does not let the App read <code>acme/server</code>, which <code>server</code>")
    assert "It says: not from &#64;&#8203;here xxx" in text
    assert len(text) < 600
    said = text.partition("It says: ")[2]
    assert len(said) - len("&#64;&#8203;") + len("@") == 300, "no more of it than a person reads"


def test_a_submodule_of_another_server_is_named_without_its_address() -> None:
    one = UnreadableUpstream(SubmodulePath("server"), None)
    assert render_access_title([], [one]) == "The App has no access to server"
    assert render_access_problem([], [one], settings_url="") == (
        "The address of <code>server</code> in `.gitmodules` is no repository of this GitHub: nothing is proposed or "
        "deployed for it. Correct the address, or take <code>server</code> out of `.github/aios-bot.yml`."
    )


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
