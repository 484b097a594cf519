"""Why the library only builds options (docs/decisions/python-on-whales.md): when one fails, read it again."""

from __future__ import annotations

import inspect
import sys

import pytest
from python_on_whales import DockerClient, utils

from bot.engine.compose import compose_options, render_options

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


@pytest.mark.parametrize(
    ("files", "profiles", "project", "directory", "words"),
    [
        (
            ["a.yml", "b c.yml"],
            ["blue", "green"],
            "web",
            "/srv/x y",
            [
                *("--file", "a.yml", "--file", "b c.yml", "--profile", "blue", "--profile", "green"),
                *("--project-name", "web", "--project-directory", "/srv/x y"),
            ],
        ),
        # Without a project the name is compose's own.
        (["a.yml"], [], "", ".", ["--file", "a.yml", "--project-directory", "."]),
        ([], ["--file"], "", ".", ["--profile", "--file", "--project-directory", "."]),
    ],
)
def test_a_node_and_a_plan_give_compose_the_same_options(
    files: list[str], profiles: list[str], project: str, directory: str, words: list[str]
) -> None:
    assert words == compose_options(
        sys.executable, files=files, profiles=profiles, project=project, directory=directory
    )
    assert words == render_options(files=files, profiles=profiles, project=project, directory=directory)
