"""A node deploys each case of tests/cases as its plan is right, or leaves everything alone and says why.

A seeded slice; `make verify-cases` deploys all of them, and asks compose again what it does by itself.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from bot.engine.programs import find_compose
from sandbox.engine import Engine
from tests.cases_world import CASES, CaseWorld, Engines, all_cases, compose_by_itself, deploy_case, read_expectation

NOT_RIGHT_YET = frozenset(("stack-folder-moved-same-name-crash",))
SLICE = int(os.environ.get("AIOS_BOT_CASES", "5"))
SEED = 110


def some_cases() -> list[str]:
    """The cases of this run."""
    names = all_cases()
    return sorted(random.Random(SEED).sample(names, min(SLICE, len(names))))


@pytest.mark.parametrize("case", some_cases())
def test_the_node_does_what_is_right(case: str, tmp_path: Path, engine: Engine) -> None:
    problem = judge(case, tmp_path, engine)
    if case in NOT_RIGHT_YET:
        assert problem, f"{case} is right now: take it off the table"
    else:
        assert not problem, problem


def judge(case: str, folder: Path, engine: Engine) -> str:
    """What is wrong with the deployment of `case`; "" when it is right."""
    expected = read_expectation(case)
    end, changed, log = deploy_case(CaseWorld(case, folder), Engines(engine, find_compose().path))
    wrong = []
    if end not in expected.node:
        wrong.append(f"the order ended as {end}, right is {' or '.join(expected.node)}")
    if expected.changes is not None and changed != expected.changes:
        wrong.append(f"it did {changed}, right is {expected.changes}")
    return "\n".join([*wrong, *log]) if wrong else ""


@pytest.mark.parametrize("case", some_cases())
def test_compose_by_itself_does_what_is_recorded(case: str, tmp_path: Path, engine: Engine) -> None:
    program = find_compose()
    recorded = json.loads((CASES / case / "engine.json").read_text())[program.version]
    found = compose_by_itself(CaseWorld(case, tmp_path), Engines(engine, program.path))
    assert bool(found.get("error")) == bool(recorded.get("error"))
    if not recorded.get("error"):  # how far it comes before it fails differs
        assert found["changes"] == recorded["changes"]
