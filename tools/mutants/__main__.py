"""Print the mutation score of each pure package, and the mutants that survive."""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from tools.mutants.fresh import run_fresh
from tools.mutants.ledger import Ledger
from tools.mutants.processes import Result, Trial
from tools.mutants.report import Equivalents, print_scores, print_survivors
from tools.mutants.session import QUIETLY, MutantSession
from tools.mutants.source import Mutant, package_of, pure_files, read_mutants

ROOT = Path(__file__).resolve().parents[2]
EQUIVALENT = ROOT / "tools" / "mutants-equivalent.txt"


def main() -> None:
    """Choose the mutants, run what is not known yet, report."""
    options = _options()
    os.chdir(ROOT)
    cache = ROOT / ".mutants"
    cache.mkdir(exist_ok=True)
    files = pure_files(ROOT)
    chosen = [path for path in files if _is_wanted(path, options)]
    mutants = _sample([mutant for path in chosen for mutant in read_mutants(ROOT, path, cache)], options)
    if not mutants:
        packages = ", ".join(sorted({package_of(path) for path in files}))
        sys.exit(f"no mutants there; the pure packages are {packages}")
    ledger = Ledger(ROOT, cache, options.tests)
    equivalents = Equivalents(EQUIVALENT, mutants)
    missing = [m for m in mutants if not equivalents.argued(m) and (options.again or not ledger.known(m))]
    print(f"{len(mutants)} mutants, {len(missing)} of them to run", flush=True)
    if missing:
        _run(missing, chosen, ledger, options.jobs)
    results = {mutant.key: result for mutant in mutants if (result := ledger.known(mutant))}
    print_survivors(mutants, results, equivalents)
    print_scores(mutants, results, equivalents)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--package", default="", help="only this one: plan, commands, features/commands")
    parser.add_argument("--file", default="", help="only files whose path contains this")
    parser.add_argument(
        "--tests", default="tests/unit", help="only these tests; tests/unit/plan is quicker, stricter"
    )
    parser.add_argument("--sample", type=int, default=0, help="so many, drawn by the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--again", action="store_true", help="do not use what earlier runs found")
    return parser.parse_args()


def _is_wanted(path: str, options: argparse.Namespace) -> bool:
    package = options.package.replace(".", "/").removeprefix("bot/")
    return options.file in path and package in ("", package_of(path), package_of(path).removeprefix("features/"))


def _sample(mutants: list[Mutant], options: argparse.Namespace) -> list[Mutant]:
    if not options.sample or options.sample >= len(mutants):
        return mutants
    drawn = set(random.Random(options.seed).sample(range(len(mutants)), options.sample))  # noqa: S311  # no secret
    return [mutant for index, mutant in enumerate(mutants) if index in drawn]


def _run(missing: list[Mutant], files: list[str], ledger: Ledger, jobs: int) -> None:
    """Run most mutants in a forked session, and then from here, where nothing is imported, those that need it."""
    left = ledger.cache / f"left-{os.getpid()}.json"
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = _run_session(missing, files, ledger, jobs, left)
        finally:
            sys.stdout.flush()
            os._exit(code)
    if os.waitpid(child, 0)[1]:
        sys.exit("stopped; what was found so far is kept, the same command goes on")
    by_key = {mutant.key: mutant for mutant in missing}
    late = [Trial(by_key[key], tests, seconds) for key, tests, seconds in json.loads(left.read_text())]
    left.unlink()
    if late:
        print(f"{len(late)} mutants of functions that are called at import", flush=True)
        _keep(run_fresh(ROOT, late, jobs), len(late), ledger)
    ledger.reload()


def _run_session(missing: list[Mutant], files: list[str], ledger: Ledger, jobs: int, left: Path) -> int:
    def work(session: MutantSession) -> None:
        reach = ledger.reach(session, files, jobs)
        early: list[Trial] = []
        late: list[Trial] = []
        for mutant in missing:
            at_import = (mutant.path, mutant.name) in session.called_at_import
            (late if at_import else early).append(reach.trial(mutant, ledger.killer(mutant), at_import=at_import))
        left.write_text(json.dumps([(t.mutant.key, t.tests, t.seconds) for t in late]))
        _keep(session.run(early, jobs), len(early), ledger)

    # What sends whole HTTP requests takes half a minute and reaches pure code only in passing.
    chosen = [*ledger.tests.split(), "--ignore", "tests/unit/web"]
    return int(pytest.main([*chosen, *QUIETLY], plugins=[MutantSession(ROOT, work)]))


def _keep(found: Iterable[tuple[Mutant, Result]], total: int, ledger: Ledger) -> None:
    begun = time.monotonic()
    survived = 0
    for done, (mutant, result) in enumerate(found, 1):
        ledger.add(mutant, result)
        survived += not result.killed
        if done % 200 == 0 or done == total:
            print(f"  {done} of {total} in {time.monotonic() - begun:.0f} s, {survived} survived", flush=True)


if __name__ == "__main__":
    main()
