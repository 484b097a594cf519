"""The set-up keeps its caches below the checkout, or where somebody says."""

from __future__ import annotations

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def cache_environment() -> object:
    loader = SourceFileLoader("set_up", str(ROOT / "tools/setup"))
    spec = spec_from_loader("set_up", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module.cache_environment


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({}, ROOT / ".cache"),
        ({"AIOS_BOT_CACHE": ""}, ROOT / ".cache"),
        ({"AIOS_BOT_CACHE": "/var/cache/aios"}, Path("/var/cache/aios")),
    ],
)
def test_pip_go_and_npm_keep_everything_below_one_folder(
    cache_environment: object, environ: dict[str, str], folder: Path
) -> None:
    assert callable(cache_environment)
    found = cache_environment(environ)
    assert set(found) == {"PIP_CACHE_DIR", "GOPATH", "GOMODCACHE", "GOCACHE", "npm_config_cache"}
    assert all(Path(place).is_relative_to(folder) for place in found.values())


def test_make_clean_removes_the_caches_and_git_ignores_them() -> None:
    (line,) = [line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith("\trm -rf")]
    assert ".cache" in line.split()
    assert ".cache/" in (ROOT / ".gitignore").read_text().splitlines()
