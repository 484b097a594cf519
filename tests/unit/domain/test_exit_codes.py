"""The exit codes are a contract: scripts and workflows depend on their numbers."""

from __future__ import annotations

from bot.domain.errors import BotError, ExitCode, SettingsError


def test_the_numbers_never_change() -> None:
    numbers = {
        "OK": 0,
        "FAILED": 1,
        "USAGE": 2,
        "BUG": 3,
        "REFUSED": 4,
        "SETTINGS": 5,
        "UNAVAILABLE": 6,
        "MISSING": 7,
        "NOT_WRITABLE": 8,
        "IN_USE": 9,
        "KEY_REFUSED": 10,
        "NO_DATA": 11,
        "INTERRUPTED": 130,
    }
    assert {code.name: int(code) for code in ExitCode} == numbers


def test_every_code_says_what_it_means() -> None:
    assert len({code.meaning for code in ExitCode}) == len(ExitCode)
    assert all(code.meaning for code in ExitCode)


def test_an_expected_error_is_a_failure_unless_it_says_otherwise() -> None:
    assert BotError("x").exit_code is ExitCode.FAILED
    assert SettingsError("x").exit_code is ExitCode.SETTINGS
