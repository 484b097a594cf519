"""PyGithub stays within two modules, and what is pure or light here loads nothing heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
WITH_PYGITHUB = {"bot/github/app.py", "bot/github/connection/transport.py"}
HEAVY = {"github", "requests", "flask", "sqlalchemy", "dbos", "prometheus_client", "pydantic_settings"}


def imports_pygithub(path: Path) -> bool:
    names = [
        name
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
    ]
    return any(name.split(".")[0] == "github" for name in names)


def test_only_two_modules_import_pygithub() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in ("bot", "sandbox", "tools")
        for path in (ROOT / folder).rglob("*.py")
        if imports_pygithub(path)
    }
    assert found == WITH_PYGITHUB


def load(module: str) -> set[str]:
    program = f"import {module}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module",
    [
        "bot.github",
        "bot.github.events",
        "bot.github.manifest",
        "bot.github.shapes",
        "bot.text.globs",
        "bot.text.times",
    ],
)
def test_pure_modules_load_nothing_heavy_and_nothing_impure_of_ours(module: str) -> None:
    loaded = load(module)
    assert not HEAVY & loaded
    ours = {name for name in loaded if name.startswith("bot.")}
    impure = (
        "bot.settings",
        "bot.storage",
        "bot.observability",
        "bot.git.",
        "bot.queue",
        "bot.service",
        "bot.engine",
    )
    assert not [name for name in ours if name.startswith((*impure, "bot.github.client", "bot.github.connection"))]


@pytest.mark.parametrize("module", ["bot.github.webhook", "bot.github.client", "bot.github.endpoints.people"])
def test_no_module_but_the_apps_loads_pygithub(module: str) -> None:
    assert "github" not in load(module)
