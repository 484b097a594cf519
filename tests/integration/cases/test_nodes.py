"""A node deploys each case of tests/cases as its plan is right, or leaves everything alone and says why.

A seeded slice, with each version of compose; `make verify-cases` deploys all of them with both, and asks compose
again what it does by itself.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sandbox.engine import SeparateEngine
from tests.cases_world import (
    CASES,
    CaseWorld,
    Engines,
    all_cases,
    compose_by_itself,
    composes,
    deploy_case,
    read_expectation,
    some_runs,
)

NOT_RIGHT_YET = frozenset(("stack-folder-moved-same-name-crash",))
SLICE = int(os.environ.get("AIOS_BOT_CASES", "5"))
SEED = 110


RUNS = some_runs(all_cases(), SLICE if SLICE < 1000 else 2 * SLICE, seed=SEED)


@pytest.mark.parametrize(("case", "version"), RUNS)
def test_the_node_does_what_is_right(case: str, version: str, tmp_path: Path, engine: SeparateEngine) -> None:
    problem = judge(case, tmp_path, engines(engine, version))
    if case in NOT_RIGHT_YET:
        assert problem, f"{case} is right now: take it off the table"
    else:
        assert not problem, problem


def engines(engine: SeparateEngine, version: str) -> Engines:
    """`engine`, whose clients have this version of compose."""
    program = composes()[version].path
    return Engines(engine.with_compose(program), program)


def judge(case: str, folder: Path, on: Engines) -> str:
    """What is wrong with the deployment of `case`; "" when it is right."""
    expected = read_expectation(case)
    end, changed, log = deploy_case(CaseWorld(case, folder), on)
    wrong = []
    if end not in expected.node:
        wrong.append(f"the order ended as {end}, right is {' or '.join(expected.node)}")
    if expected.changes is not None and changed != expected.changes:
        wrong.append(f"it did {changed}, right is {expected.changes}")
    return "\n".join([*wrong, *log]) if wrong else ""


@pytest.mark.parametrize(("case", "version"), RUNS)
def test_compose_by_itself_does_what_is_recorded(
    case: str, version: str, tmp_path: Path, engine: SeparateEngine
) -> None:
    recorded = json.loads((CASES / case / "engine.json").read_text())[version]
    found = compose_by_itself(CaseWorld(case, tmp_path), engines(engine, version))
    assert bool(found.get("error")) == bool(recorded.get("error"))
    if not recorded.get("error"):  # how far it comes before it fails differs
        assert found["changes"] == recorded["changes"]
