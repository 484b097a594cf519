"""The fleet's workflow and the command line are held to each other."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bot.onboarding.survey.read import workflow_text
from bot.plan import order as plan_order
from bot.protocol.order import MAX_ENVELOPE_LENGTH
from bot.settings.node import read_node_settings

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "docs/examples/deploy.yml"


def load() -> dict[str, Any]:
    return dict(YAML(typ="safe").load(EXAMPLE.read_text()))


def test_a_new_fleet_gets_the_example() -> None:
    assert workflow_text() == EXAMPLE.read_text()


def test_the_bot_fills_each_input_and_no_other() -> None:
    source = (ROOT / "bot/features/rollout/apply/dispatch.py").read_text()
    sent: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and [getattr(t, "id", "") for t in node.targets] == ["inputs"]:
            assert isinstance(node.value, ast.Dict)
            sent = {
                key.value for key in node.value.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)
            }
    inputs = load()["on"]["workflow_dispatch"]["inputs"]
    assert sent == set(inputs)
    assert all(given["required"] and given["type"] == "string" for given in inputs.values())


def test_it_runs_nothing_but_what_the_node_has() -> None:
    """A tag that is moved, or an account that is stolen, reaches no node: the workflow names neither."""
    assert "uses:" not in EXAMPLE.read_text()
    (job,) = load()["jobs"].values()
    assert [step["shell"] for step in job["steps"]] == ["sh", "cmd"]
    assert all("${{" not in step["run"] for step in job["steps"]), "no script holds an expression"


def test_permissions_and_concurrency_are_what_a_deploy_needs() -> None:
    document = load()
    assert document["permissions"] == {}
    job = document["jobs"]["deploy"]
    assert job["permissions"] == {"contents": "read", "deployments": "write", "checks": "write"}
    assert job["concurrency"] == {"group": "aios-bot-deploy-${{ inputs.node }}", "cancel-in-progress": False}
    assert job["environment"] == {"name": "${{ inputs.node }}", "deployment": False}
    assert job["runs-on"] == "${{ fromJSON(inputs.labels) }}"


def test_both_steps_give_the_command_what_it_reads() -> None:
    job = load()["jobs"]["deploy"]
    linux, windows = job["steps"]
    assert linux["env"] == windows["env"]
    given = {name: f"value of {name}" for name in job["env"] | linux["env"]}
    settings = read_node_settings(given)
    assert settings.order == given["AIOS_BOT_ORDER"]
    assert settings.token is not None
    assert settings.token.reveal() == given["GITHUB_TOKEN"]
    assert settings.git_token is not None
    assert settings.git_token.reveal() == given["AIOS_BOT_GIT_TOKEN"]


@pytest.mark.portable
def test_a_job_on_windows_without_a_state_folder_finds_the_one_below_program_data() -> None:
    """Without it `\\program\\aios-bot.cmd` would be looked for at the top of the drive, where everybody may write."""
    lines = load()["jobs"]["deploy"]["steps"][1]["run"].splitlines()
    default = r'if not defined AIOS_BOT_NODE_STATE set "AIOS_BOT_NODE_STATE=%ProgramData%\aios-bot-node"'
    assert lines[0] == default
    assert lines[1] == r'set "program=%AIOS_BOT_NODE_STATE%\program\aios-bot.cmd"'


def test_an_order_fits_into_a_variable_of_a_windows_process() -> None:
    assert MAX_ENVELOPE_LENGTH < 32_767
    assert plan_order.ORDER_LIFETIME <= 24 * 3600


@pytest.mark.parametrize("program", ["actionlint", "zizmor"])
def test_linters_of_workflows_find_nothing(program: str) -> None:
    found = Path(sys.executable).parent / program
    command = [str(found) if found.exists() else program]
    command += ["--offline", "--config", str(ROOT / ".github/zizmor.yml")] if program == "zizmor" else []
    done = subprocess.run([*command, str(EXAMPLE)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def run_step(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The step for Linux, as a runner runs it: a script file, by `sh -e`."""
    script = load()["jobs"]["deploy"]["steps"][0]["run"]
    return subprocess.run(["sh", "-e", "-c", script], env=environment, capture_output=True, text=True, check=False)


def put_program(path: Path, word: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\necho {word} "$@"\nexit 4\n')
    path.chmod(0o755)


def test_the_step_runs_the_joined_program_and_gives_back_its_exit_code(tmp_path: Path) -> None:
    put_program(tmp_path / "other/aios-bot", "other")
    environment = {"PATH": f"{tmp_path}/other:{os.defpath}", "AIOS_BOT_NODE_STATE": str(tmp_path / "state")}
    done = run_step(environment)
    assert (done.stdout, done.returncode) == ("other node deploy\n", 4)
    put_program(tmp_path / "state/program/aios-bot", "joined")
    done = run_step(environment)
    assert (done.stdout, done.returncode) == ("joined node deploy\n", 4)
