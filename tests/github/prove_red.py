"""Show that each test of a behaviour of GitHub fails without what the bot does about it.

    python -m tests.github.prove_red [TEST...]

Each test runs with its fix undone (tests/github/undone.py), and is to fail on an assertion, which is printed. Exits
with 1 when one stays green, fails otherwise, or has nothing to undo.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from importlib import import_module
from pathlib import Path

import pytest

from tests.github.undone import UNDONE

HERE = Path(__file__).parent
_SLOW = "test_merged.py"  # random histories: no single behaviour


class _Undoing:
    """Undoes a test's fix around it, from before its fixtures are made."""

    def __init__(self) -> None:
        self.red: dict[str, str] = {}
        self.others: dict[str, str] = {}

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
        if item.originalname not in UNDONE:
            self.others[item.name] = "nothing is named that could be undone"
        elif call.excinfo is not None:
            text = call.excinfo.exconly(tryshort=True)
            found = self.red if call.excinfo.errisinstance(AssertionError) else self.others
            found[item.name] = text.split("\n")[0][:200]
        elif call.when == "call":
            self.others[item.name] = "still green"
        return report


def main(names: list[str]) -> int:
    """Run them, print each failing assertion, and count."""
    undoing = _Undoing()
    chosen = ["-k", " or ".join(names)] if names else []
    options = ["-q", "--no-header", "--no-summary", "--tb=no", "-p", "no:cacheprovider", "-p", "no:randomly"]
    pytest.main([str(HERE), f"--ignore={HERE / _SLOW}", *options, *chosen], plugins=[undoing])
    print()
    for name, text in undoing.red.items():
        print(f"red    {name}\n       {text}")
    for name, text in undoing.others.items():
        print(f"WRONG  {name}\n       {text}")
    behaviours = {name.partition("[")[0] for name in undoing.red}
    print(f"{len(behaviours)} behaviours are red without what the bot does about them; {len(undoing.others)} are not")
    return 1 if undoing.others or not undoing.red else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
