"""A release that was built once, and a copy of it for each test, with an index beside it that pip knows alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.releases import Place, fill, run_installer, serve


@pytest.fixture(scope="session")
def built_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    fill(folder)
    return folder


@pytest.fixture(scope="session")
def installed_folder(built_release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program folder in which the join command's installer installed that release. Tests copy it to change it."""
    folder = tmp_path_factory.mktemp("state with blanks") / "program"
    with serve(built_release) as served, pytest.MonkeyPatch.context() as patch:
        know_alone(patch, served)
        done = run_installer(served.release("v1"), folder)
    assert done.returncode == 0, done.stderr
    return folder


def know_alone(patch: pytest.MonkeyPatch, served: Place) -> None:
    """Configure pip with the index of `served`, and with nothing else."""
    patch.setenv("PIP_INDEX_URL", served.packages)
    patch.setenv("PIP_CONFIG_FILE", os.devnull)
    patch.delenv("PIP_FIND_LINKS", raising=False)
    patch.setenv("PIP_NO_CACHE_DIR", "1")
    patch.setenv("PIP_RETRIES", "0")


@pytest.fixture
def place(built_release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    shutil.copytree(built_release, tmp_path / "served")
    with serve(tmp_path / "served") as served:
        know_alone(monkeypatch, served)
        yield served
