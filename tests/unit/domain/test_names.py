"""Names from outside are taken whole or not at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.domain.errors import BotError, ExitCode, RetryLater, SettingsError
from bot.domain.names import parse_commit_sha, parse_login, parse_repo_name, short
from bot.domain.verbs import LONGEST_LINE, PREFIX, Verb, first_line

pytestmark = pytest.mark.portable
L100 = "x" * 100


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        *((parse_repo_name, text) for text in ("a/b", "Tecnocrat/aios-win", "0_-/...", "acme_co/.github")),
        *((parse_repo_name, text) for text in (f"{L100}/{L100}", "a/..b", "a/-", "a/_")),
        *((parse_login, text) for text in ("octocat", "0-a_B", L100, "aios-bot[bot]", f"{L100}[bot]")),
        *((parse_commit_sha, text) for text in ("0123456789" * 4, "abcdef" + "0" * 34)),
    ],
)
def test_a_name_is_taken_as_it_is(parse: Callable[[str], str], text: str) -> None:
    assert parse(text) == text


NOT_REPOS = ["", "a", "a/", "/b", "a/b/c", "-a/b", "_a/b", "a.b/c", "a/.", "a/..", "a/b\n", "\na/b", "a/b c", "a/ö"]
NOT_REPOS += [f"{L100}x/b", f"a/{L100}x", "a b/c"]
NOT_LOGINS = ["", "-a", "_a", "a/b", "a\n", "a b", "[bot]", "a[bot]x", "a[BOT]", "a[admin]", f"{L100}x", "é"]
NOT_SHAS = ["", "a" * 39, "a" * 41, "A" * 40, "g" * 40, "a" * 40 + "\n", " " + "a" * 39]


@pytest.mark.parametrize(
    ("parse", "text", "problem"),
    [
        *((parse_repo_name, text, "not a repository name (owner/name): ") for text in NOT_REPOS),
        *((parse_login, text, "not a login: ") for text in NOT_LOGINS),
        *((parse_commit_sha, text, "not a full commit id (40 hexadecimal digits): ") for text in NOT_SHAS),
    ],
)
def test_what_is_no_name_is_refused(parse: Callable[[str], str], text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r"^not a ") as caught:
        parse(text)
    assert str(caught.value) == f"{problem}{text!r}"


def test_people_read_seven_digits() -> None:
    assert short("0123456789") == "0123456"


@pytest.mark.parametrize(
    ("body", "line"), [("/plan  \nand\nmore", "/plan"), ("", ""), (" /plan", " /plan"), ("\nx", "")]
)
def test_a_command_stands_in_the_first_line(body: str, line: str) -> None:
    assert first_line(body) == line


def test_what_commands_are_made_of() -> None:
    assert (PREFIX, LONGEST_LINE) == ("/", 300)
    assert " ".join(Verb) == "plan deploy rollback retry lock unlock hold resume status help"


def test_each_exit_code_is_part_of_the_command_line() -> None:
    names = ["OK", "FAILED", "USAGE", "BUG", "REFUSED", "SETTINGS", "UNAVAILABLE", "MISSING"]
    names += ["NOT_WRITABLE", "IN_USE", "KEY_REFUSED", "NO_DATA", "INTERRUPTED"]
    assert [(code.name, code.value) for code in ExitCode] == list(zip(names, (*range(12), 130), strict=True))
    assert (BotError("x").exit_code, SettingsError("x").exit_code) == (ExitCode.FAILED, ExitCode.SETTINGS)


def test_a_wait_says_what_for_and_how_long() -> None:
    wait = RetryLater("slow down", seconds=2.5)
    assert (str(wait), wait.seconds, isinstance(wait, BotError)) == ("slow down", 2.5, True)
