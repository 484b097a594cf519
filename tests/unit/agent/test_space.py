"""What is free on the disks that a deploy fills."""

from __future__ import annotations

import shutil
from pathlib import Path

from bot.agent.space import read_space
from bot.engine.docker import DockerError


def test_one_disk_is_named_once_for_all_that_lies_on_it(tmp_path: Path) -> None:
    (only,) = read_space(tmp_path / "not" / "there" / "yet", lambda: tmp_path)
    assert only.use == "checkout and images"
    assert only.size == shutil.disk_usage(tmp_path).total
    assert 0 < only.free <= only.size


def test_two_disks_are_told_apart(tmp_path: Path) -> None:
    found = read_space(tmp_path, lambda: Path("/proc"))
    assert [disk.use for disk in found] == ["checkout", "images"]


def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    def fail() -> Path:
        raise DockerError("no engine")

    for images in (fail, lambda: None, lambda: tmp_path / "gone"):
        assert [disk.use for disk in read_space(tmp_path, images)] == ["checkout"]
