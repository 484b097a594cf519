"""Where a program that reads the API finds the service and its token, and what it is told when it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain.errors import SettingsError
from bot.settings.client import read_client_settings


def test_the_environment_says_where_and_the_token(tmp_path: Path) -> None:
    found = read_client_settings({"AIOS_BOT_URL": "https://bot.example/", "AIOS_BOT_TOKEN": " aiosbot_x\n"})
    assert (found.url, found.token.reveal()) == ("https://bot.example", "aiosbot_x")
    assert read_client_settings({"AIOS_BOT_TOKEN": "t"}).url == "http://127.0.0.1:8080"
    file = tmp_path / "token"
    file.write_text("aiosbot_file\n")
    assert read_client_settings({"AIOS_BOT_TOKEN_FILE": str(file)}).token.reveal() == "aiosbot_file"
    given = read_client_settings({"AIOS_BOT_TOKEN": "t", "AIOS_BOT_URL": "x"}, url="http://[::1]:1", token_file=file)
    assert (given.url, given.token.reveal()) == ("http://[::1]:1", "aiosbot_file")


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "AIOS_BOT_TOKEN or AIOS_BOT_TOKEN_FILE must be set"),
        ({"AIOS_BOT_TOKEN": "two words"}, "AIOS_BOT_TOKEN is none"),
        ({"AIOS_BOT_TOKEN": "gr\u00fcn"}, "AIOS_BOT_TOKEN is none"),
        ({"AIOS_BOT_TOKEN_FILE": "/nowhere/token"}, "the token of /nowhere/token cannot be read: No such file"),
        ({"AIOS_BOT_TOKEN": "t", "AIOS_BOT_URL": "bot.example"}, "AIOS_BOT_URL must be the service's address"),
        ({"AIOS_BOT_TOKEN": "t", "AIOS_BOT_URL": "http://bot.example"}, "AIOS_BOT_URL must begin with https://"),
        ({"AIOS_BOT_URL": "http://bot.example"}, "AIOS_BOT_TOKEN or AIOS_BOT_TOKEN_FILE must be set"),
    ],
)
def test_what_is_missing_or_unusable_is_named(environ: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError) as problem:
        read_client_settings(environ)
    assert words in str(problem.value)
    assert "gr\u00fcn" not in str(problem.value)
    assert "two words" not in str(problem.value)
