"""Print survivors and scores; read the list of mutants that change nothing anybody could see."""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from tools.mutants.processes import Result
from tools.mutants.source import Mutant

Change = tuple[str, str, tuple[str, ...], tuple[str, ...]]  # path, function, lines removed, lines added


class Equivalents:
    """Mutants that no test can kill, each argued in a list.

    An entry is a line `path::function`, the changed lines as a diff shows them (`- old`, `+ new`), and `why: ...`;
    empty lines and lines that begin with `#` say nothing.
    """

    def __init__(self, path: Path, mutants: Iterable[Mutant]) -> None:
        self._argued = read_equivalents(path.read_text("utf-8") if path.exists() else "")
        self._keys = {mutant.key for mutant in mutants if change_of(mutant) in self._argued}

    def argued(self, mutant: Mutant) -> bool:
        """Whether the mutant is in the list."""
        return mutant.key in self._keys


def read_equivalents(text: str) -> dict[Change, str]:
    """The argument for each change. Raises ValueError for an entry without one."""
    found: dict[Change, str] = {}
    where = ""
    removed: list[str] = []
    added: list[str] = []
    for line in text.splitlines():
        if line.startswith("why:"):
            path, _, function = where.partition("::")
            if not line.removeprefix("why:").strip() or not function or not (removed or added):
                raise ValueError(f"incomplete entry of equivalent mutants at {where!r}")
            found[path, function, tuple(removed), tuple(added)] = line.removeprefix("why:").strip()
            removed, added = [], []
        elif line.startswith("-"):
            removed.append(line[1:].strip())
        elif line.startswith("+"):
            added.append(line[1:].strip())
        elif line.strip() and not line.startswith("#"):
            where = line.strip()
    if removed or added:
        raise ValueError(f"an entry of equivalent mutants says not why: {where!r}")
    return found


def change_of(mutant: Mutant) -> Change:
    """The mutant's changed lines, without their indentation."""
    lines = list(difflib.ndiff(mutant.original.splitlines(), mutant.source.splitlines()))
    removed = tuple(line[2:].strip() for line in lines if line.startswith("- "))
    added = tuple(line[2:].strip() for line in lines if line.startswith("+ "))
    return mutant.path, mutant.name, removed, added


def print_survivors(mutants: Iterable[Mutant], results: Mapping[str, Result], equivalents: Equivalents) -> None:
    """Each mutant that nothing killed, with its place and its diff; what no test reaches says so."""
    for mutant in mutants:
        result = results.get(mutant.key)
        if result is None or result.killed or equivalents.argued(mutant):
            continue
        _, _, removed, added = change_of(mutant)
        reached = "" if result.tests else "  (no test reaches it)"
        print(f"\n{mutant.path}:{mutant.line} {mutant.name}{reached}")
        print("\n".join([*(f"  - {line}" for line in removed), *(f"  + {line}" for line in added)]))


def print_scores(mutants: Iterable[Mutant], results: Mapping[str, Result], equivalents: Equivalents) -> None:
    """One line for each package: of the mutants that are not equivalent, the share that was killed."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant in mutants:
        result = results.get(mutant.key)
        if equivalents.argued(mutant):
            kind = "equivalent"
        elif result is None:
            kind = "not run"
        elif not result.tests:
            kind = "unreached"
        else:
            kind = "killed" if result.killed else "survived"
        for package in (mutant.package, "all"):
            counts[package][kind] += 1
    kinds = ("killed", "survived", "unreached", "equivalent", "not run")
    print("\n" + f"{'package':22}{'mutants':>9}" + "".join(f"{kind:>12}" for kind in kinds) + f"{'score':>9}")
    for package in sorted(counts, key=lambda name: (name == "all", name)):
        count = counts[package]
        judged = count["killed"] + count["survived"] + count["unreached"]
        score = f"{100 * count['killed'] / judged:.1f} %" if judged else "-"
        print(f"{package:22}{count.total():>9}" + "".join(f"{count[kind]:>12}" for kind in kinds) + f"{score:>9}")
