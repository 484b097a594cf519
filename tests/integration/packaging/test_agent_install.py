"""The wheel with the packages of requirements/agent.txt alone: what a node installs, and what it does without."""

from __future__ import annotations

import os
import subprocess
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from bot.agent.installer import read_current
from bot.cli.main import EXTRAS
from bot.domain.errors import ExitCode

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def agent(installed_folder: Path) -> Path:
    """The `bin` of an environment that was installed from the built wheel and the agent's lock."""
    return installed_folder / read_current(installed_folder) / "bin"


def aios_bot(agent: Path, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """One command of the installed program, with nothing of this process's environment but the path."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "AIOS_BOT_NODE_STATE": str(folder / "state"),
        "AIOS_BOT_DATA": str(folder / "data"),
        "GITHUB_TOKEN": "ghp_none",
    }
    return subprocess.run(
        [agent / "aios-bot", *arguments], env=environment, capture_output=True, text=True, check=False, cwd=folder
    )


def test_a_node_installs_nothing_of_the_service(agent: Path) -> None:
    probe = "import importlib.util as u, sys; print([n for n in sys.argv[1:] if u.find_spec(n)])"
    done = subprocess.run(
        [agent / "python", "-I", "-c", probe, *EXTRAS, "sandbox"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("node", "show"), "there is no node in"),
        (("node", "doctor"), "there is no node in"),
        (("node", "recover"), "there is no node in"),
        (("node", "join", "x"), "this invitation is damaged"),
        (("node", "deploy"), "no order"),
        (("fleet", "schema"), '"$schema"'),
        (("plan",), "not a git repository"),
    ],
)
def test_what_a_node_and_a_person_without_the_service_use_works(
    agent: Path, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = aios_bot(agent, *arguments, folder=tmp_path)
    assert words in done.stdout + done.stderr
    assert done.returncode not in (ExitCode.MISSING, ExitCode.BUG)


@pytest.mark.parametrize("arguments", [("serve",), ("check", "--help"), ("node", "add", "n", "--fleet", "o/f")])
def test_a_command_of_the_service_names_the_extra_that_it_needs(
    agent: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done = aios_bot(agent, *arguments, folder=tmp_path)
    if "--help" in arguments:  # help needs nothing
        assert done.returncode == ExitCode.OK
        return
    assert done.returncode == ExitCode.MISSING
    assert "pip install 'aios-bot[service]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_package_of_an_extra_is_named_when_it_is_missing() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    brought = {
        Requirement(text).name.lower().replace("-", "_")
        for extra in project["optional-dependencies"].values()
        for text in extra
        if not text.startswith("aios-bot")
    }
    modules = packages_distributions()  # werkzeug: Flask brings it
    assert brought == {modules[name][0].lower().replace("-", "_") for name in EXTRAS if name != "werkzeug"}
