"""Why the library only builds options (docs/decisions/python-on-whales.md): when one fails, read it again."""

from __future__ import annotations

import inspect
import sys

import pytest
from python_on_whales import DockerClient, utils

from bot.engine.compose import compose_options

PRINT = [sys.executable, "-c", "import os; print(os.environ.get('JOB_TOKEN'))"]


def test_its_children_get_the_whole_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOB_TOKEN", "secret")
    assert str(utils.run(PRINT, env={"PATH": "/usr/bin"}, return_stderr=False)) == "secret"


def test_its_debug_mode_prints_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JOB_TOKEN", "secret")
    monkeypatch.setenv("PYTHON_ON_WHALES_DEBUG", "1")
    utils.run(PRINT)
    assert "secret" in capsys.readouterr().out.partition("Env:")[2]


def test_it_has_no_time_limit_and_lacks_options_that_an_order_needs() -> None:
    assert "timeout" not in inspect.signature(utils.run).parameters
    compose = DockerClient(client_call=[sys.executable]).compose
    assert set(inspect.signature(compose.restart).parameters) == {"services", "timeout"}  # no --no-deps
    assert set(inspect.signature(compose.config).parameters) == {"return_json"}


def test_the_options_that_it_builds() -> None:
    made = compose_options(
        sys.executable, files=["a.yml", "b c.yml"], profiles=["blue", "green"], project="web", directory="/srv/x y"
    )
    assert made == [
        *("--file", "a.yml", "--file", "b c.yml", "--profile", "blue", "--profile", "green"),
        *("--project-name", "web", "--project-directory", "/srv/x y"),
    ]


def test_without_a_project_the_name_is_composes_own() -> None:
    made = compose_options(sys.executable, files=["a.yml"], profiles=[], project="", directory=".")
    assert made == ["--file", "a.yml", "--project-directory", "."]
