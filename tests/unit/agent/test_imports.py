"""What a node's deploy loads: it starts a process for each order, and every import delays the deploy."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bot.planner.forkserver_process import LOADED

BY_HAND = "bot.agent.deploy, bot.agent.wiring, bot.settings.node"
JOB = f"{BY_HAND}, bot.agent.github_sink"
PLAN = "bot.plan, bot.plan.changes, bot.risks.assess"


def load(modules: str) -> set[str]:
    """What is in memory after these are imported."""
    program = f"import {modules}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    return load(JOB)


def test_what_an_order_with_nothing_to_do_can_do_without_is_loaded_when_it_is_needed() -> None:
    loaded = load(BY_HAND)
    assert not {"github", "python_on_whales", "requests", "pydantic", "ruamel.yaml", "filelock"} & loaded
    assert not [name for name in loaded if name.startswith("bot.redaction.")]  # its patterns, before git fetches


def test_planning_loads_no_docker_client() -> None:
    assert not {"python_on_whales", "pydantic"} & load(PLAN)
    assert not {"python_on_whales", "pydantic"} & load("bot.planner.renderer")


def test_a_plan_of_which_everything_is_kept_loads_nothing_that_reads_compose_files() -> None:
    needed = load("bot.cli.main, bot.cli.plan, bot.planner.plans, bot.planner.renderer, bot.plan.report.text")
    assert not {"yaml", "ruamel.yaml", "bot.planner.inputs", "bot.planner.stack_renderer", "pydantic"} & needed
    assert "bot.planner.stack_renderer" in load(", ".join(LOADED))  # the service forks it for each plan


@pytest.mark.parametrize(
    "heavy",
    [
        *("sqlalchemy", "dbos", "flask", "github", "pydantic", "pydantic_settings", "prometheus_client"),
        *("python_on_whales", "bot.storage.store", "bot.queue.inbox", "bot.github.app", "bot.planner"),
    ],
)
def test_the_services_own_libraries_are_not_among_it(loaded: set[str], heavy: str) -> None:
    assert heavy not in loaded


def test_what_is_needed_is(loaded: set[str]) -> None:
    assert {"bot.protocol.order", "bot.agent.checkout"} <= loaded


def test_an_order_that_calls_compose_loads_what_builds_its_options_beside_other_work() -> None:
    program = (
        "import sys, threading; from bot.engine.compose import compose_options, preload; preload();"
        "[one.join() for one in threading.enumerate() if one.name == 'preload'];"
        "before = set(sys.modules);"
        "compose_options(sys.executable, files=(), profiles=(), project='', directory='.');"
        "print('pydantic' in before, set(sys.modules) == before,"
        " sum('python_on_whales' in str(getattr(one, '__file__', '')) for one in sys.modules.values()));"
        "from python_on_whales import DockerClient; print(DockerClient.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "0", "DockerClient"]
