"""Measure the structure of `bot`: packages, arrows between them, sizes. `python -m tools.structure`.

Exit status 1 when a limit of docs/architecture.md is passed; what passes it is listed.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
MOST_MODULE_LINES = 300
MOST_RUN_LINES = 60
MOST_PACKAGE_LINES = 5_000
STATEMENTS_AT_REDESIGN = 17_500
"""The whole wheel at the redesign, without docstrings. Printed to compare with; a larger wheel is no problem."""
LONG = "# longer than 300 lines: "
"""A longer module says why on a line that begins so."""


class Module(NamedTuple):
    """One module of `bot`."""

    path: str  # below the repository
    lines: int
    statements: int  # nodes of ast.stmt without docstrings
    imports: frozenset[str]  # packages of ours, such as "bot.plan" or "bot.features.bump"
    reason: str  # why it may be longer than others

    @property
    def package(self) -> str:
        return package_of(self.path.removesuffix(".py").replace("/", "."))


def package_of(dotted: str) -> str:
    """The package that a module counts for: features are counted one by one."""
    parts = dotted.split(".")
    return ".".join(parts[: 3 if parts[1:2] == ["features"] else 2])


def read_modules(root: Path = ROOT) -> list[Module]:
    """Every module of `bot`."""
    return [_read(root, path) for path in sorted((root / "bot").rglob("*.py"))]


def _read(root: Path, path: Path) -> Module:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    reason = next((line.removeprefix(LONG) for line in text.splitlines() if line.startswith(LONG)), "")
    statements = sum(isinstance(node, ast.stmt) and not _is_docstring(node) for node in ast.walk(tree))
    name = str(path.relative_to(root))
    return Module(name, text.count("\n"), statements, frozenset(_imports(tree)), reason)


def _is_docstring(node: ast.stmt) -> bool:
    """Whether a statement is only a text: the docstring of a module, class, function or name."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "bot":
            # `from bot.features import bump` names the feature in the imported names.
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (package_of(name) for name in names)
        elif isinstance(node, ast.Import):
            yield from (package_of(alias.name) for alias in node.names if alias.name.split(".")[0] == "bot")


def find_arrows(modules: list[Module]) -> set[tuple[str, str]]:
    """Which package imports which other one."""
    return {
        (one.package, target)
        for one in modules
        if one.package.count(".") and one.path.count("/") > 1
        for target in one.imports
        if target != one.package and target.count(".") and target != "bot.features"
    }


def count_ignored_imports(root: Path = ROOT) -> int:
    """The imports that the contracts in pyproject.toml make an exception of."""
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return sum(len(contract.get("ignore_imports", [])) for contract in contracts)


def find_problems(modules: list[Module]) -> list[str]:
    """What passes a limit."""
    problems = [
        f"{one.path} has {one.lines} lines (limit {MOST_MODULE_LINES}) and no line `{LONG}REASON`"
        for one in modules
        if one.lines > MOST_MODULE_LINES and not one.reason
    ]
    problems += [
        f"{one.path} has {one.lines} lines (limit {MOST_RUN_LINES})"
        for one in modules
        if one.path.startswith("bot/features/") and one.path.endswith("/run.py") and one.lines > MOST_RUN_LINES
    ]
    lines: dict[str, int] = defaultdict(int)
    for one in modules:
        lines[".".join(one.package.split(".")[:2])] += one.lines
    problems += [
        f"{package} has {count} lines (limit {MOST_PACKAGE_LINES})"
        for package, count in lines.items()
        if count > MOST_PACKAGE_LINES and package != "bot.features"
    ]
    return problems


def main() -> None:
    """Print the figures, then what passes a limit."""
    modules = read_modules()
    sizes: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for one in modules:
        size = sizes[one.package]
        size[0], size[1], size[2] = size[0] + 1, size[1] + one.lines, size[2] + one.statements
    print(f"{'package':<24}{'modules':>8}{'lines':>8}{'statements':>12}")
    for package, (count, lines, statements) in sorted(sizes.items()):
        print(f"{package:<24}{count:>8}{lines:>8}{statements:>12}")
    arrows = find_arrows(modules)
    top = {(a.split(".")[1], b.split(".")[1]) for a, b in arrows if a.split(".")[1] != b.split(".")[1]}
    print(f"packages: {len({one.path.split('/')[1] for one in modules if one.path.count('/') > 1})}")
    print(f"arrows between packages: {len(top)}; with each feature counted by itself: {len(arrows)}")
    print(f"imports that the contracts ignore: {count_ignored_imports()}")
    total = sum(one.statements for one in modules)
    print(f"statements in the wheel, docstrings not counted: {total:,} (at the redesign: {STATEMENTS_AT_REDESIGN:,})")
    longest = sorted((one for one in modules if one.lines > MOST_MODULE_LINES), key=lambda one: -one.lines)
    for one in longest:
        print(f"long: {one.path} {one.lines} lines: {one.reason or 'no reason given'}")
    problems = find_problems(modules)
    for problem in problems:
        print(f"problem: {problem}")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
