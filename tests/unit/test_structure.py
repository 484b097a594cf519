"""The structure that docs/architecture.md promises: sizes, pure modules, one adapter for each library."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture import ROOT, read_steps
from tools.structure import count_ignored_imports, find_problems, read_modules

PURE_FILES = re.compile(r"bot/features/\w+/(decide|facts|text|jobs|grammar)(/|\.py)")
PURE_PACKAGES = ("plan", "risks", "protocol", "fleetfile", "text", "redaction", "domain")
# Standard library modules that touch the outside: no pure module of ours imports one, however deep.
IMPURE = {"os", "subprocess", "socket", "time", "random"}
CLIENTS = {"docker", "python_on_whales", "sqlalchemy", "github", "requests", "flask", "dbos", "prometheus_client"}
ADAPTERS = {"github": "bot/github/", "python_on_whales": "bot/engine/", "prometheus_client": "bot/observability/"}


def is_pure(path: str) -> bool:
    return bool(PURE_FILES.match(path)) or path.split("/")[1] in PURE_PACKAGES


PURE = [module.path for module in read_modules() if is_pure(module.path)]


def test_no_size_passes_its_limit() -> None:
    assert find_problems(read_modules()) == []


def test_the_contracts_make_no_exceptions() -> None:
    assert count_ignored_imports() == 0
    assert "allow_indirect_imports" not in (ROOT / "pyproject.toml").read_text()


def test_our_pure_code_imports_nothing_that_touches_the_outside() -> None:
    found = [
        (path, name) for path in PURE for name in _imported(ROOT / path) if name.split(".")[0] in IMPURE | CLIENTS
    ]
    assert found == []


def test_no_two_public_classes_share_a_name() -> None:
    places: dict[str, list[str]] = {}
    for path in sorted((ROOT / "bot").rglob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(path.relative_to(ROOT).as_posix())
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


def test_each_library_is_imported_by_its_one_adapter() -> None:
    found = [
        (path.relative_to(ROOT).as_posix(), name)
        for path in (ROOT / "bot").rglob("*.py")
        for name in _imported(path)
        if name.split(".")[0] in ADAPTERS and not str(path.relative_to(ROOT)).startswith(ADAPTERS[name.split(".")[0]])
    ]
    assert found == []


@pytest.mark.parametrize("batch", range(4))
def test_a_pure_module_loads_pure_modules_alone(batch: int) -> None:
    """Each in a fresh interpreter: nothing of `bot` outside the pure set is loaded, and no client of anything."""
    for path in PURE[batch::4]:
        name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        program = f"import sys, {name}; print(*(m for m in sys.modules if m.split('.')[0] in {CLIENTS | {'bot'}!r}))"
        done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
        loaded = [one for one in done.stdout.split() if not _belongs(one)]
        assert loaded == [], f"{name} loads {loaded}"


def test_every_step_and_answer_of_the_architecture_is_there() -> None:
    for section in ("One event's way in", "One order's way in"):
        steps = read_steps(section)
        assert len(steps) == 8
        for path, function in steps:
            assert re.search(rf"def {function}\b", (ROOT / path).read_text()), (path, function)
    text = (ROOT / "docs/architecture.md").read_text()
    for path in re.findall(r"`((?:bot|sandbox|tools)/[a-z_/]+\.py)`", text):
        assert (ROOT / path).exists(), path
    questions = text.split("## Twenty questions", 1)[1].split("\n## ", 1)[0]
    assert questions.count("`bot/") == 20


def _belongs(module: str) -> bool:
    if module in {"bot", "bot.features"}:
        return True
    place = module.replace(".", "/")
    # Importing bot.features.x.decide also runs the __init__.py of bot.features.x, which holds a docstring alone.
    return module.startswith("bot.") and (
        is_pure(f"{place}.py")
        or is_pure(f"{place}/")
        or (module.startswith("bot.features.") and module.count(".") == 2)
    )


def _imported(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return names


def test_statements_are_counted_without_docstrings(tmp_path: Path) -> None:
    (tmp_path / "bot").mkdir()
    text = '"""Module."""\nX = 1\n"""Name."""\ndef f():\n    """Function."""\n    return "text"\n'
    (tmp_path / "bot/one.py").write_text(text)
    assert [module.statements for module in read_modules(tmp_path)] == [3]
