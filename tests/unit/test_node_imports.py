"""What a node's deploy loads: it starts anew for each order, and every import is a part of commit-to-healthy."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOAD = "import bot.node.deploy, bot.node.wiring, bot.settings, sys; print(*sys.modules)"


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    done = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("heavy", ["sqlalchemy", "dbos", "flask", "bot.store", "bot.intake.inbox"])
def test_the_services_own_libraries_are_not_among_it(loaded: set[str], heavy: str) -> None:
    assert heavy not in loaded


def test_what_is_needed_is(loaded: set[str]) -> None:
    assert {"bot.node.order", "bot.node.report"} <= loaded
