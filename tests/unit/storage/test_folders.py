"""The service's data is for its own user alone, also when it is run by hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.storage.folders import make_private_folder


@pytest.mark.parametrize("exists", [True, False])
def test_the_folder_and_all_that_follows_are_closed_to_others(tmp_path: Path, *, exists: bool) -> None:
    folder = tmp_path / "a/data"
    before = os.umask(0o022)
    try:
        if exists:
            folder.mkdir(parents=True, mode=0o755)
        make_private_folder(folder)
        (folder / "mirrors/o").mkdir(parents=True)
        (folder / "database").write_text("x")
    finally:
        os.umask(before)
    modes = {path: path.stat().st_mode & 0o777 for path in (folder, folder / "mirrors/o", folder / "database")}
    assert list(modes.values()) == [0o700, 0o700, 0o600]
