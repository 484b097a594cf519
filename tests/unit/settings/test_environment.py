"""What child programs get of the process environment."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

from bot.settings.environment import (
    child_environment,
    docker_environment,
    process_environment,
    read_data_folder,
    stack_environment,
)

BOT = Path(__file__).parents[3] / "bot"
FOR_CHILDREN = {
    "PATH",
    "HOME",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "GIT_SSL_CAINFO",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    *("http_proxy", "https_proxy", "no_proxy", "all_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"),
}
FOR_DOCKER = {
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "SSH_AUTH_SOCK",
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "PATHEXT",
    "COMSPEC",
}
FOR_NEITHER = {
    "GITHUB_APP_ID",
    "GITHUB_APP_PRIVATE_KEY",
    "GITHUB_WEBHOOK_SECRET",
    "GITHUB_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "RUNNER_TEMP",
    "INPUT_ORDER",
    "AIOS_BOT_ORDER",
    "COMPOSE_FILE",
    "GIT_DIR",
    "PYTHON_ON_WHALES_DEBUG",
    "compose_file",
}


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        monkeypatch.delenv(name)
    for name in FOR_CHILDREN | FOR_DOCKER | FOR_NEITHER | {"VAULT_TOKEN"}:
        monkeypatch.setenv(name, f"<{name}>")


@pytest.mark.usefixtures("full")
def test_a_child_program_sees_what_it_needs_and_no_setting() -> None:
    assert child_environment() == {name: f"<{name}>" for name in FOR_CHILDREN}
    assert docker_environment() == {name: f"<{name}>" for name in FOR_CHILDREN | FOR_DOCKER}


@pytest.mark.usefixtures("full")
def test_a_stack_sees_the_nodes_own_variables() -> None:
    own = FOR_CHILDREN - {"GIT_SSL_CAINFO"} | FOR_DOCKER | {"VAULT_TOKEN"}
    found = {name: value for name, value in stack_environment().items() if name != "PYTEST_CURRENT_TEST"}
    assert found == {name: f"<{name}>" for name in own}


def test_what_is_not_set_is_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FOR_CHILDREN | FOR_DOCKER:
        monkeypatch.delenv(name, raising=False)
    assert docker_environment() == {}


def test_the_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIOS_BOT_DATA", " /var/lib/bot ")
    assert read_data_folder() == Path("/var/lib/bot").absolute()
    monkeypatch.setenv("AIOS_BOT_DATA", " ")
    assert read_data_folder() == Path("data").absolute()
    assert process_environment()["AIOS_BOT_DATA"] == " "


def test_one_module_reads_the_process_environment() -> None:
    readers = {
        path.relative_to(BOT).as_posix()
        for path in BOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb")
    }
    assert readers == {"settings/environment.py"}
