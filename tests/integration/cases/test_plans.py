"""The plan of each case of tests/cases says what is right: its actions, and what people have to know besides."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from bot.domain.errors import BotError
from bot.features.bump.text import render_body
from bot.plan.report.links import Links
from tests.cases_world import CASES, VERSIONS, CaseWorld, all_cases, composes, read_expectation

NOT_RIGHT_YET: frozenset[str] = frozenset()


SLICE = int(os.environ.get("AIOS_BOT_CASES", "6"))
OLDER, NEWER = VERSIONS
RUNS = [
    *((case, OLDER) for case in all_cases()),
    *((case, NEWER) for case in random.Random(112).sample(all_cases(), min(SLICE, len(all_cases())))),
]


@pytest.mark.parametrize(("case", "version"), RUNS)
def test_the_plan_of_a_case_is_right(case: str, version: str, tmp_path: Path) -> None:
    problem = judge(case, tmp_path, version)
    if case in NOT_RIGHT_YET:
        assert problem, f"{case} is right now: take it off the table"
    else:
        assert not problem, problem


def judge(case: str, folder: Path, version: str) -> str:
    """What is wrong with the plan of `case`; "" when it is right."""
    expected = read_expectation(case)
    try:
        plan = CaseWorld(case, folder).plan(composes()[version])
    except (BotError, LookupError) as problem:
        return f"no plan: {problem!r}"
    (node,) = plan.nodes
    errors = [stack.error for stack in node.stacks if stack.error]
    actions = {f"{stack.project}/{s.service}": str(s.action) for stack in node.stacks for s in stack.services}
    body = render_body(plan, Links()).replace("\\", "")
    wrong = []
    if errors or actions != expected.plan:
        wrong.append(f"planned {actions}, right is {expected.plan}; {errors}")
    wrong += [f"does not say {text!r}" for text in expected.told if text not in body]
    wrong += [f"says {text!r}" for text in expected.untold if text in body]
    return "; ".join([*wrong, body]) if wrong else ""


def test_every_case_has_an_expectation_and_what_compose_did() -> None:
    for case in all_cases():
        assert read_expectation(case).plan, case
        assert set(VERSIONS) <= set(json.loads((CASES / case / "engine.json").read_text())), case
    assert set(all_cases()) >= NOT_RIGHT_YET
