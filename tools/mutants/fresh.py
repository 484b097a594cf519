"""Run mutants of functions that are called during import: each in a process that has not imported `bot` yet."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from tools.mutants.processes import KILLED, SURVIVED, Result, Trial, run_forked
from tools.mutants.session import QUIETLY, WithoutShrinking
from tools.mutants.source import Mutant, whole_file

_LIBRARIES = ("hypothesis", "msgspec", "ruamel.yaml", "sqlalchemy", "flask", "requests", "cryptography", "github")


def run_fresh(root: Path, trials: Sequence[Trial], jobs: int) -> Iterator[tuple[Mutant, Result]]:
    """Run each mutant's tests in a forked interpreter that imports the changed module as a whole."""
    for name in _LIBRARIES:
        importlib.import_module(name)
    if any(name == "bot" or name.startswith("bot.") for name in sys.modules):
        raise RuntimeError("`bot` is imported already: what its modules compute at import would not change")
    sys.dont_write_bytecode = True
    return run_forked([Trial(t.mutant, t.tests, t.seconds + 4) for t in trials], _Runner(root), jobs)


class _Runner:
    def __init__(self, root: Path) -> None:
        self.root = root

    def __call__(self, trial: Trial, tell: Callable[[str], None]) -> int:
        """Import the mutant in place of its module, and run its tests until one fails."""
        mutant = trial.mutant
        text = whole_file((self.root / mutant.path).read_text("utf-8"), mutant.index)
        changed = compile(text, str(self.root / mutant.path), "exec", dont_inherit=True)
        usual = SourceFileLoader.get_code

        def get_code(self: Any, fullname: str) -> CodeType | None:
            return changed if fullname == mutant.module else usual(self, fullname)

        setattr(SourceFileLoader, "get_code", get_code)  # noqa: B010  # a method assigned is an error to mypy
        watch = _Watch()
        code = pytest.main(["-x", *QUIETLY, *trial.tests], plugins=[watch])
        if code == pytest.ExitCode.OK:
            return SURVIVED
        tell(watch.failed or f"import of {mutant.path}")
        return KILLED


class _Watch(WithoutShrinking):
    failed = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the name of the test that failed."""
        if report.failed:
            self.failed = self.failed or report.nodeid
