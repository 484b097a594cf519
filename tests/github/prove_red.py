"""Show that each test of a behaviour of GitHub fails without what the bot does about it.

    python -m tests.github.prove_red [TEST...]

Each test runs with its fix undone (tests/github/undone.py), and is to fail on an assertion, which is printed as soon
as its file is through. Two files run at once. Exits with 1 when a test stays green, fails otherwise, or has nothing
to undo.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import sys
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.github.undone import UNDONE

HERE = Path(__file__).parent
AT_ONCE = 2
_HISTORIES = {"test_commanded.py", "test_merged.py"}  # random ones: no single behaviour


class Proof(NamedTuple):
    """By test: the assertion that failed, or what is wrong."""

    red: dict[str, str]
    others: dict[str, str]


class _Undoing:
    """Undoes a test's fix around it, from before its fixtures are made."""

    def __init__(self) -> None:
        self.proof = Proof({}, {})

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Function) -> Generator[None, object, object]:
        with pytest.MonkeyPatch.context() as patch:
            for undo in UNDONE.get(item.originalname, ()):
                module, _, name = undo.name.partition(":")
                owner: object = import_module(module)
                *within, last = name.split(".")
                for part in within:
                    owner = getattr(owner, part)
                patch.setattr(owner, last, undo.instead)
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Function, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if call.when == "teardown" and call.excinfo is None:
            return report
        red, others = self.proof
        if item.originalname not in UNDONE:
            others[item.name] = "nothing is named that could be undone"
        elif call.excinfo is not None:
            text = call.excinfo.exconly(tryshort=True)
            found = red if call.excinfo.errisinstance(AssertionError) else others
            found[item.name] = text.split("\n")[0][:200]
        elif call.when == "call":
            others[item.name] = "still green"
        return report


def prove(path: Path, names: Sequence[str]) -> Proof:
    """Run the tests of one file, those of `names` alone if there are any."""
    undoing = _Undoing()
    chosen = ["-k", " or ".join(names)] if names else []
    options = ["-q", "--no-header", "--no-summary", "--tb=no", "-p", "no:cacheprovider", "-p", "no:randomly"]
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main([str(path), *options, *chosen], plugins=[undoing])
    return undoing.proof


def main(names: Sequence[str]) -> int:
    """Run them, print each failing assertion, and count."""
    files = [path for path in sorted(HERE.glob("test_*.py")) if path.name not in _HISTORIES]
    behaviours: set[str] = set()
    wrong = 0
    # pytest is made to run once in a process.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(AT_ONCE, mp_context=context, max_tasks_per_child=1) as pool:
        for done in as_completed([pool.submit(prove, path, names) for path in files]):
            red, others = done.result()
            for name, text in red.items():
                print(f"red    {name}\n       {text}", flush=True)
            for name, text in others.items():
                print(f"WRONG  {name}\n       {text}", flush=True)
            behaviours |= {name.partition("[")[0] for name in red}
            wrong += len(others)
    print(f"{len(behaviours)} behaviours are red without what the bot does about them; {wrong} are not")
    return 1 if wrong or not behaviours else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
