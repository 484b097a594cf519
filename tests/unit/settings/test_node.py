"""Settings of a node: what the job's environment holds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from bot.domain.errors import SettingsError
from bot.settings.node import read_node_settings
from bot.settings.values import Secret
from tools.docs.settings import NODE_SETTINGS

JOB = {
    "GITHUB_API_URL": "https://github.example/api/v3/",
    "AIOS_BOT_NODE_STATE": "/srv/state",
    "AIOS_BOT_ORDER": ' {"signed": 1} ',
    "AIOS_BOT_GIT_TOKEN": " git ",
    "GITHUB_TOKEN": " job ",
    "GITHUB_REPOSITORY": "o/f",
    "GITHUB_RUN_ID": "7",
    "GITHUB_STEP_SUMMARY": "/tmp/summary.md",
}


def test_a_jobs_settings() -> None:
    settings = read_node_settings(JOB)
    assert settings.state == Path("/srv/state").absolute()
    assert settings.order == ' {"signed": 1} '  # as it was signed
    assert (settings.token, settings.git_token) == (Secret("job"), Secret("git"))
    assert settings.secrets == ("job", "git")
    assert (settings.api_url, settings.html_url) == ("https://github.example/api/v3", "https://github.example")
    assert settings.repository == "o/f"
    assert settings.log_url == "https://github.example/o/f/actions/runs/7"
    assert settings.summary == Path("/tmp/summary.md")


def test_outside_of_a_job() -> None:
    settings = read_node_settings({"AIOS_BOT_NODE_STATE": "/srv/state"})
    assert (settings.order, settings.repository, settings.log_url) == ("", "", "")
    assert (settings.token, settings.git_token, settings.summary) == (None, None, None)
    assert settings.secrets == ()
    assert settings.watch == 15
    assert (settings.api_url, settings.html_url) == ("https://api.github.com", "https://github.com")


@pytest.mark.parametrize("name", ["GITHUB_REPOSITORY", "GITHUB_RUN_ID"])
def test_half_a_job_has_no_page(name: str) -> None:
    assert read_node_settings({**JOB, name: ""}).log_url == ""


def test_the_jobs_own_token_fetches_when_there_is_no_other() -> None:
    assert read_node_settings({**JOB, "AIOS_BOT_GIT_TOKEN": " "}).git_token == Secret("job")


def test_a_wrong_address_is_an_error_that_does_not_show_it() -> None:
    with pytest.raises(SettingsError) as caught:
        read_node_settings({"GITHUB_API_URL": "https://u:hunter2@h"})
    assert str(caught.value) == (
        "the settings are not usable:\n  GITHUB_API_URL must be an address such as https://api.github.com, or "
        "https://HOST/api/v3 for GitHub Enterprise Server"
    )


@pytest.mark.parametrize(("text", "seconds"), [("0", 0), (" 30 ", 30), ("3600", 3600)])
def test_the_watch(text: str, seconds: int) -> None:
    assert read_node_settings({"AIOS_BOT_NODE_WATCH": text}).watch == seconds


@pytest.mark.parametrize("text", ["-1", "1.5", "15s", "3601"])
def test_a_watch_that_is_no_number_of_seconds(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_node_settings({"AIOS_BOT_NODE_WATCH": text})
    assert f"AIOS_BOT_NODE_WATCH must be seconds from 0 to 3600, not '{text}'" in str(caught.value)


@pytest.mark.parametrize(("text", "seconds"), [("", 1800), ("60", 60), (" 300 ", 300), ("21600", 21600)])
def test_the_limit(text: str, seconds: int) -> None:
    assert read_node_settings({"AIOS_BOT_NODE_LIMIT": text}).limit == seconds


@pytest.mark.parametrize("text", ["59", "21601", "9" * 5000, "½", "5m"])
def test_a_limit_that_is_no_number_of_seconds(text: str) -> None:
    with pytest.raises(SettingsError, match="AIOS_BOT_NODE_LIMIT must be seconds from 60 to 21600, not "):
        read_node_settings({"AIOS_BOT_NODE_LIMIT": text})


class Recorder(Mapping[str, str]):
    """An empty environment that knows what was looked up."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def test_every_setting_that_a_node_reads_is_explained() -> None:
    environ = Recorder()
    read_node_settings(environ)
    from_github = {"GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_STEP_SUMMARY"}
    assert environ.names - {"PREFIX", "PROGRAMDATA"} == from_github | set(NODE_SETTINGS)


def test_a_nodes_settings_load_no_library() -> None:
    program = "import bot.settings.node, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy = {"pydantic", "pydantic_settings", "cryptography", "sqlalchemy", "msgspec"}
    assert not heavy & set(done.stdout.split())
