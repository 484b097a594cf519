"""The set-up keeps its caches below the checkout, or where somebody says."""

from __future__ import annotations

import shutil
import venv
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def set_up() -> ModuleType:
    loader = SourceFileLoader("set_up", str(ROOT / "tools/setup"))
    spec = spec_from_loader("set_up", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def cache_environment(set_up: ModuleType) -> object:
    return set_up.cache_environment


def test_a_venv_that_was_moved_copied_or_lost_its_python_is_made_anew(set_up: ModuleType, tmp_path: Path) -> None:
    first, other = tmp_path / "first", tmp_path / "other"
    venv.create(first, with_pip=False)
    assert not set_up.is_in_place(first), "without pip"
    (first / "bin/pip").write_text(f"#!{first}/bin/python3\n")
    assert set_up.is_in_place(first)
    other.symlink_to(first)
    assert set_up.is_in_place(other)
    other.unlink()
    shutil.copytree(first, other, symlinks=True)
    assert not set_up.is_in_place(other)
    (first / "bin/pip").write_text("#!/bin/sh\n")
    assert set_up.is_in_place(first)
    (first / "bin/python").unlink()
    assert not set_up.is_in_place(first)
    assert not set_up.is_in_place(tmp_path / "none")


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
