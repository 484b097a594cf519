"""The example workflow, the reusable one, the action and the command line are held to each other."""

from __future__ import annotations

import ast
import base64
import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bot.domain.errors import ExitCode
from bot.plan import order as plan_order
from bot.protocol.order import MAX_ENVELOPE_LENGTH
from bot.settings.node import read_node_settings
from sandbox.runner import OURS

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "docs/examples/deploy.yml"
REUSABLE = ROOT / ".github/workflows/deploy.yml"
ACTION = ROOT / "actions/deploy/action.yml"
BARE_PYTHON = (sys.executable, "-I", "-S")  # sees no installed package
FILES = (EXAMPLE, REUSABLE, ACTION)


def load(path: Path) -> dict[str, Any]:
    return dict(YAML(typ="safe").load(path.read_text()))


def test_the_bot_fills_each_input_of_the_example_and_no_other() -> None:
    source = (ROOT / "bot/features/rollout/apply/dispatch.py").read_text()
    sent: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and [getattr(t, "id", "") for t in node.targets] == ["inputs"]:
            assert isinstance(node.value, ast.Dict)
            sent = {
                key.value for key in node.value.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)
            }
    inputs = load(EXAMPLE)["on"]["workflow_dispatch"]["inputs"]
    assert sent == set(inputs)
    assert all(given["required"] and given["type"] == "string" for given in inputs.values())


def test_the_example_hands_on_what_the_reusable_workflow_takes() -> None:
    job = load(EXAMPLE)["jobs"]["deploy"]
    taken = load(REUSABLE)["on"]["workflow_call"]
    assert set(job["with"]) == set(taken["inputs"])
    assert set(job["secrets"]) == set(taken["secrets"])
    assert job["uses"].partition("@")[0] == OURS.partition("@")[0] + "/.github/workflows/deploy.yml"
    assert job["uses"].partition("@")[2] == OURS.partition("@")[2]


def test_the_reusable_workflow_calls_the_action_with_inputs_that_it_has() -> None:
    job = load(REUSABLE)["jobs"]["deploy"]
    (step,) = job["steps"]
    inputs = load(ACTION)["inputs"]
    assert step["uses"] == OURS.replace("@", "/actions/deploy@")
    assert set(step["with"]) <= set(inputs)
    assert {name for name, one in inputs.items() if one["required"]} <= set(step["with"])


def test_permissions_and_concurrency_are_what_a_deploy_needs() -> None:
    needed = {"contents": "read", "deployments": "write", "checks": "write"}
    for path in (EXAMPLE, REUSABLE):
        document = load(path)
        assert document["permissions"] == {}
        assert document["jobs"]["deploy"]["permissions"] == needed
    job = load(REUSABLE)["jobs"]["deploy"]
    assert job["concurrency"] == {"group": "aios-bot-deploy-${{ inputs.node }}", "cancel-in-progress": False}
    assert job["environment"] == {"name": "${{ inputs.node }}", "deployment": False}
    assert job["runs-on"] == "${{ fromJSON(inputs.labels) }}"


def test_both_steps_of_the_action_give_the_command_what_it_reads() -> None:
    linux, windows = load(ACTION)["runs"]["steps"]
    assert (linux["shell"], windows["shell"]) == ("bash", "python")
    assert linux["env"] == windows["env"]
    given = {name: f"value of {name}" for name in linux["env"]}
    settings = read_node_settings(given)
    assert settings.order == given["AIOS_BOT_ORDER"]
    assert settings.token is not None
    assert settings.token.reveal() == given["GITHUB_TOKEN"]
    assert settings.git_token is not None
    assert settings.git_token.reveal() == given["AIOS_BOT_GIT_TOKEN"]


def test_no_script_holds_an_expression() -> None:
    for path in FILES:
        for step in _steps(load(path)):
            assert "${{" not in step.get("run", ""), path


def test_an_order_fits_into_a_variable_of_a_windows_process() -> None:
    assert MAX_ENVELOPE_LENGTH < 32_767
    assert plan_order.ORDER_LIFETIME <= 24 * 3600


@pytest.mark.parametrize("program", ["actionlint", "zizmor"])
def test_linters_of_workflows_find_nothing(program: str) -> None:
    workflows = [str(path) for path in FILES if path != ACTION]
    found = Path(sys.executable).parent / program
    command = [str(found) if found.exists() else program]
    command += ["--offline", "--config", str(ROOT / ".github/zizmor.yml"), str(ACTION)] if program == "zizmor" else []
    done = subprocess.run([*command, *workflows], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_action_runs_what_is_on_path_and_gives_back_its_exit_code(tmp_path: Path) -> None:
    program = tmp_path / "aios-bot"
    program.write_text('#!/bin/sh\necho "$@"\nexit 4\n')
    program.chmod(0o755)
    done = run_action({"PATH": f"{tmp_path}:/usr/bin:/bin"}, python=BARE_PYTHON)
    assert (done.stdout, done.returncode) == ("node deploy\n", 4)


def test_the_action_runs_the_program_whose_python_the_node_joined_with() -> None:
    done = run_action({"PATH": "/usr/bin:/bin"}, python=(sys.executable,))
    assert "no order: set AIOS_BOT_ORDER" in done.stderr
    assert done.returncode == ExitCode.USAGE


def test_a_node_without_a_program_ends_the_deployment() -> None:
    order = base64.b64encode(json.dumps({"number": 77}).encode()).decode()
    with StatusRecorder() as github:
        done = run_action(
            {
                "PATH": "/usr/bin:/bin",
                "AIOS_BOT_ORDER": json.dumps({"payload": order, "payloadType": "x", "signatures": []}),
                "GITHUB_API_URL": github.url,
                "GITHUB_REPOSITORY": "o/fleet",
                "GITHUB_TOKEN": "job-token",
            },
            python=BARE_PYTHON,
        )
    assert done.returncode == 1
    assert "it is not installed for the user of this runner" in done.stderr
    words = "aios-bot is not installed on the node: paste its join command again"
    assert github.posted == [
        ("/repos/o/fleet/deployments/77/statuses", "Bearer job-token", {"state": "error", "description": words})
    ]


def test_a_status_that_cannot_be_posted_is_told_in_the_log() -> None:
    done = run_action({"PATH": "/usr/bin:/bin", "AIOS_BOT_ORDER": "no order"}, python=BARE_PYTHON)
    assert done.returncode == 1
    assert "the deployment status could not be posted" in done.stderr
    assert "Traceback" not in done.stderr


def run_action(environment: dict[str, str], *, python: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """The action's program, run by `python` in a folder without a `bot`."""
    command = [*python, str(ROOT / "actions/deploy/run.py")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd="/")


class StatusRecorder:
    """A server that keeps each POST: its path, its authorisation and its JSON."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, str | None, object]] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                recorder.posted.append((self.path, self.headers["Authorization"], json.loads(body)))
                self.send_response(201)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> StatusRecorder:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _steps(document: dict[str, Any]) -> list[dict[str, Any]]:
    if "runs" in document:
        return list(document["runs"]["steps"])
    return [step for job in document["jobs"].values() for step in job.get("steps", [])]


def test_the_action_runs_the_program_that_was_switched_to_last(tmp_path: Path) -> None:
    folder = tmp_path / "state/program"
    for lock in ("a" * 64, "b" * 64):
        python = folder / lock / "bin/python"
        python.parent.mkdir(parents=True)
        python.write_text(f'#!/bin/sh\necho {lock[0]} "$@"\nexit 4\n')
        python.chmod(0o755)
        (folder / lock / "whole").touch()
    (folder / "current").write_text("b" * 64)
    environment = {"PATH": "/usr/bin:/bin", "AIOS_BOT_NODE_STATE": str(tmp_path / "state")}
    done = run_action(environment, python=BARE_PYTHON)
    assert (done.stdout, done.returncode) == ("b -I -m bot node deploy\n", 4)
