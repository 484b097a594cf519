"""Run mutants inside one collected pytest session, by changing the code of functions that are imported already."""

from __future__ import annotations

import importlib
import json
import os
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, FunctionType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from coverage import Coverage
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tools.mutants.processes import KILLED, NOT_INSTALLED, SURVIVED, Result, Trial, fork_child, run_forked
from tools.mutants.source import Mutant

QUIETLY = ("-qq", "-s", "-p", "no:cacheprovider", "--no-header", "--no-summary")
TEST_SECONDS = 15.0  # of tests for one mutant, the quickest first; what does not fit is not run, and kills nothing


@dataclass
class Reach:
    """Which tests run which line, and how long each takes."""

    lines: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def trial(self, mutant: Mutant, first: str = "", *, at_import: bool = False) -> Trial:
        """The tests that reach the mutant, `first` before the others and then the quickest, within the limit."""
        lines = self.lines.get(mutant.path, {})
        names = {name for line in range(mutant.lines[0], mutant.lines[1] + 1) for name in lines.get(line, ())}
        if at_import:  # what it computes is read anywhere in its module, or wherever that is imported
            names = {name for found in lines.values() for name in found} or set(self.seconds)
        chosen: list[str] = []
        total = 0.0
        for name in sorted(names, key=lambda name: (name != first, self.seconds[name], name)):
            if chosen and total + self.seconds[name] > TEST_SECONDS:
                break
            total += self.seconds[name]
            chosen.append(name)
        return Trial(mutant, chosen, total)


class WithoutShrinking:
    """A pytest plugin: that a property fails is all that is wanted, not the smallest example."""

    def pytest_sessionstart(self) -> None:
        """Change the profile before the test modules are imported. A busy machine alone kills nothing."""
        settings.register_profile(
            "mutants",
            settings(),
            phases=(Phase.explicit, Phase.generate),
            database=None,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        )
        settings.load_profile("mutants")


class MutantSession(WithoutShrinking):
    """A pytest plugin that hands the collected session to `work` in place of running the tests."""

    def __init__(self, root: Path, work: Callable[[MutantSession], None]) -> None:
        self.root = root
        self.work = work
        self.items: dict[str, pytest.Item] = {}
        self.called_at_import: set[tuple[str, str]] = set()  # (path, function)

    def pytest_collectstart(self, collector: pytest.Collector) -> None:
        """Watch what importing the tests calls."""
        if isinstance(collector, pytest.Session):
            sys.setprofile(self._note_call)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep the tests by name."""
        sys.setprofile(None)
        self.items = {item.nodeid: item for item in session.items}

    def pytest_runtestloop(self) -> bool:
        """Replace the run."""
        _fill_hypothesis_caches()
        self.work(self)
        return True

    def _note_call(self, frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(f"{self.root}/bot/"):
            self.called_at_import.add(
                (code.co_filename.removeprefix(f"{self.root}/"), code.co_qualname.split(".<")[0])
            )

    def measure(self, groups: Sequence[Sequence[str]], files: Sequence[str]) -> Iterator[tuple[int, Reach]]:
        """Run each group of tests once, in a forked process, and note which lines of `files` every test reaches."""

        def begin(group: Sequence[str]) -> tuple[int, int]:
            def work(writer: int) -> int:
                reach = Reach()
                failed = self._measure_here(group, files, reach)
                with os.fdopen(writer, "w") as out:
                    json.dump([failed, reach.lines, reach.seconds], out)
                return SURVIVED

            return fork_child(work)

        running = [begin(group) for group in groups]
        for index, (child, reader) in enumerate(running):
            with os.fdopen(reader) as sent:
                text = sent.read()
            if os.waitpid(child, 0)[1] or not text:
                raise SystemExit("tests/unit did not run to its end without mutants")
            failed, lines, seconds = json.loads(text)
            if failed:
                raise SystemExit(f"{failed} fails without any mutant")
            by_number = {path: {int(line): names for line, names in found.items()} for path, found in lines.items()}
            yield index, Reach(by_number, seconds)

    def _measure_here(self, names: Sequence[str], files: Sequence[str], reach: Reach) -> str:
        coverage = Coverage(data_file=None, include=[str(self.root / path) for path in files], config_file=False)
        coverage.start()
        items = [self.items[name] for name in names]
        for item, after in zip(items, [*items[1:], None], strict=True):
            coverage.switch_context(item.nodeid)
            start = time.process_time()
            if any(report.failed for report in runtestprotocol(item, log=False, nextitem=after)):
                return item.nodeid
            reach.seconds[item.nodeid] = time.process_time() - start
        coverage.stop()
        data = coverage.get_data()
        for path in data.measured_files():
            found = data.contexts_by_lineno(path)
            reach.lines[os.path.relpath(path, self.root)] = {line: [n for n in ns if n] for line, ns in found.items()}
        return ""

    def run(self, trials: Sequence[Trial], jobs: int) -> Iterator[tuple[Mutant, Result]]:
        """Run each mutant with its tests until one fails."""
        return run_forked(trials, self._run_here, jobs)

    def _run_here(self, trial: Trial, tell: Callable[[str], None]) -> int:
        try:
            install(trial.mutant)
        except Exception:  # noqa: BLE001  # whatever it is, the parent says which mutant it was
            return NOT_INSTALLED
        items = [self.items[name] for name in trial.tests]
        for item, after in zip(items, [*items[1:], None], strict=True):
            if any(report.failed for report in runtestprotocol(item, log=False, nextitem=after)):
                tell(item.nodeid)
                return KILLED
        return SURVIVED


@given(text=st.text(), integer=st.integers(), real=st.floats())
@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow])
def _fill_hypothesis_caches(*, text: str, integer: int, real: float) -> None:
    """So that not every forked process does it."""


def install(mutant: Mutant) -> None:
    """Put the mutant's code into the function that everybody has imported already."""
    module = importlib.import_module(mutant.module)
    *owner, last = mutant.name.split(".")
    source = mutant.source
    if wrapped := bool(owner) and "super()" in source:
        source = f"class {owner[0]}:\n" + textwrap.indent(source, "    ")
    space = dict(vars(module))
    code = compile(f"from __future__ import annotations\n{source}", mutant.path, "exec", dont_inherit=True)
    exec(code, space)  # noqa: S102  # the repository's own code, changed in one place
    function, changed = _function(vars(module), mutant.name), _function(space, mutant.name if wrapped else last)
    function.__code__ = changed.__code__
    function.__defaults__ = changed.__defaults__
    function.__kwdefaults__ = changed.__kwdefaults__


def _function(space: dict[str, Any], name: str) -> FunctionType:
    """The plain function behind `name` or `Class.name`."""
    *owner, last = name.split(".")
    found = vars(space[owner[0]])[last] if owner else space[last]
    found = getattr(found, "__func__", found)  # class and static methods
    if not isinstance(found, FunctionType):
        raise TypeError(f"{name} is no plain function: {found!r}")
    return found
