"""Keep what earlier runs found, for as long as it holds."""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tools.mutants.processes import Result
from tools.mutants.session import MutantSession, Reach
from tools.mutants.source import Mutant, pure_files


class Ledger:
    """Results and coverage in `.mutants/`.

    A killed mutant stays killed until its function or the file of the test that killed it changes; one that
    survived is tried again as soon as anything in the pure code or in the tests changes.
    """

    def __init__(self, root: Path, cache: Path, chosen: str) -> None:
        self.root = root
        self.tests = chosen
        self.cache = cache
        self._results = cache / "results.jsonl"
        tests = sorted((root / "tests" / "unit").rglob("*.py"))
        support = [path for path in tests if not path.name.startswith("test_")] + sorted(
            (root / "tests").glob("*.py")
        )
        golden = (root / "tests" / "golden").rglob("*")
        support += sorted(path for path in golden if path.suffix in (".py", ".md", ".txt", ".json"))
        self._support = _digest(support)
        self._pure = _digest(root / path for path in pure_files(root))
        self._everything = hashlib.sha256(
            f"{self._pure}{self._support}{_digest(tests)}{chosen}".encode()
        ).hexdigest()[:16]
        self._found: dict[str, dict[str, Any]] = {}
        self.reload()

    def reload(self) -> None:
        """Read the results again, those of another process among them."""
        if self._results.exists():
            for line in self._results.read_text("utf-8").splitlines():
                entry = json.loads(line)
                self._found[entry["key"]] = entry

    def known(self, mutant: Mutant) -> Result | None:
        """What became of the mutant, if that still holds."""
        entry = self._found.get(mutant.key)
        if not entry or entry["while"] != self._holds_while(entry["killed"]):
            return None
        return Result(entry["killed"], entry["tests"])

    def killer(self, mutant: Mutant) -> str:
        """The test that killed it last time, to be tried first."""
        return str(self._found.get(mutant.key, {}).get("killed", ""))

    def add(self, mutant: Mutant, result: Result) -> None:
        """Remember one result."""
        entry = {"key": mutant.key, "killed": result.killed, "tests": result.tests}
        entry["while"] = self._holds_while(result.killed)
        with self._results.open("a", encoding="utf-8") as out:
            out.write(json.dumps(entry) + "\n")

    def _holds_while(self, killed: str) -> str:
        if not killed:
            return self._everything
        path = self.root / killed.partition("::")[0]
        return self._support + _digest([path]) if path.is_file() else "always"

    def reach(self, session: MutantSession, files: list[str], jobs: int) -> Reach:
        """Which tests reach which line of `files`: measured for the test files that are not known yet."""
        by_file: dict[str, list[str]] = defaultdict(list)
        for name in session.items:
            by_file[name.partition("::")[0]].append(name)
        kept = {file: self.cache / f"reach-{self._reach_key(file, files)}.json" for file in by_file}
        unknown = [file for file, path in kept.items() if not path.exists()]
        if unknown:
            print(f"measuring which lines the tests of {len(unknown)} files reach", flush=True)
            shares = [share for first in range(jobs) if (share := unknown[first::jobs])]
            groups = [[name for file in share for name in by_file[file]] for share in shares]
            for index, measured in session.measure(groups, files):
                for file in shares[index]:
                    _keep_reach(measured, set(by_file[file]), kept[file])
        whole = Reach()
        for path in kept.values():
            lines, seconds = json.loads(path.read_text())
            whole.seconds.update(seconds)
            for module, found in lines.items():
                for line, names in found.items():
                    whole.lines.setdefault(module, {}).setdefault(int(line), []).extend(names)
        return whole

    def _reach_key(self, file: str, files: list[str]) -> str:
        text = f"{self._pure}{self._support}{_digest([self.root / file])}{files}"
        return hashlib.sha256(text.encode()).hexdigest()[:20]


def _keep_reach(measured: Reach, names: set[str], path: Path) -> None:
    lines = {
        module: {line: [n for n in found if n in names] for line, found in by_line.items()}
        for module, by_line in measured.lines.items()
    }
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps([lines, {name: measured.seconds[name] for name in names}]))
    partial.replace(path)


def _digest(paths: Iterable[Path]) -> str:
    whole = hashlib.sha256()
    for path in paths:
        whole.update(str(path.name).encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()[:16]
