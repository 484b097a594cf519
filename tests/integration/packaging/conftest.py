"""A release that was built once, and a copy of it for each test, with an index beside it that pip knows alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.releases import Place, fill, serve


@pytest.fixture(scope="session")
def built_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    fill(folder)
    return folder


@pytest.fixture
def place(built_release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    shutil.copytree(built_release, tmp_path / "served")
    with serve(tmp_path / "served") as served:
        monkeypatch.setenv("PIP_INDEX_URL", served.packages)
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
        monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
        monkeypatch.setenv("PIP_RETRIES", "0")
        yield served
