"""The version of compose that was found last is kept, for as long as the program is the same file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.domain.errors import ProgramMissingError
from bot.engine.programs import ComposeProgram, find_compose


def write_compose(folder: Path, version: str) -> Path:
    """A program that prints `version`, and notes each time that it was asked for it."""
    program = folder / "docker-compose"
    program.unlink(missing_ok=True)
    program.write_text(f"#!/bin/sh\necho asked >>{folder}/asked\necho {version}\n")
    program.chmod(0o755)
    return program


def count(folder: Path) -> int:
    return (folder / "asked").read_text().count("asked")


def test_the_same_program_is_asked_once(tmp_path: Path) -> None:
    program, kept = write_compose(tmp_path, "2.40.3"), tmp_path / "kept"
    for _ in range(3):
        assert find_compose([program], kept=kept) == ComposeProgram(program, "2.40.3")
    assert count(tmp_path) == 1


def test_another_program_at_the_same_place_is_asked_again(tmp_path: Path) -> None:
    program, kept = write_compose(tmp_path, "2.40.3"), tmp_path / "kept"
    find_compose([program], kept=kept)
    write_compose(tmp_path, "5.6.1")
    assert find_compose([program], kept=kept).version == "5.6.1"
    assert count(tmp_path) == 2


def test_another_place_is_asked_again(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    find_compose([write_compose(tmp_path, "2.40.3")], kept=kept)
    (tmp_path / "b").mkdir()
    assert find_compose([write_compose(tmp_path / "b", "2.40.9")], kept=kept).version == "2.40.9"


@pytest.mark.parametrize("content", [b"", b"9.9.9", b"9.9.9 1 2 3 /elsewhere\n", b"\xff\xfe 1"])
def test_what_does_not_fit_is_not_believed(content: bytes, tmp_path: Path) -> None:
    program, kept = write_compose(tmp_path, "2.40.3"), tmp_path / "kept"
    kept.write_bytes(content)
    assert find_compose([program], kept=kept).version == "2.40.3"


def test_nothing_is_kept_of_a_program_that_does_not_run(tmp_path: Path) -> None:
    program, kept = tmp_path / "docker-compose", tmp_path / "kept"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(ProgramMissingError, match="not usable"):
        find_compose([program], kept=kept)
    assert not kept.exists()


def test_where_nothing_can_be_kept_the_program_is_asked(tmp_path: Path) -> None:
    program = write_compose(tmp_path, "2.40.3")
    assert find_compose([program], kept=tmp_path / "missing/kept").version == "2.40.3"


def test_a_program_that_is_gone_is_not_usable(tmp_path: Path) -> None:
    with pytest.raises(ProgramMissingError, match="not usable"):
        find_compose([tmp_path / "gone"], kept=tmp_path / "kept")


def test_nothing_is_kept_of_a_program_whose_path_is_no_text(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    program, kept = write_compose(tmp_path, "2.40.3").rename(folder / "docker-compose"), tmp_path / "kept"
    assert find_compose([program], kept=kept).version == "2.40.3"
    assert not kept.exists() or not kept.read_text()
