"""What is different on Windows, tested wherever the tests run."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bot.agent import work_tree
from bot.agent.installer import remove
from bot.agent.work_tree import MAX_COPY
from bot.git.safe_clone import clone
from bot.git.safe_git import GitAccess
from tests.gitworld import commit, git, new_repository

PRINTS = """
import click
from bot.cli.main import run_program
@click.command()
def command():
    click.echo("\\u2192 \\u4e2d")
    click.echo("\\u2026", err=True)
run_program(command, "x")
"""


@pytest.mark.portable
def test_characters_that_the_console_lacks_end_no_command() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRINTS],
        env=os.environ | {"PYTHONIOENCODING": "cp1252"},
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode().strip() == "\u2192 \u4e2d"
    assert done.stderr.decode().strip() == "\u2026"


def test_read_only_files_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows refuses to remove a read-only file, such as git's packs."""
    pack = tmp_path / "clone/objects/pack-1"
    pack.parent.mkdir(parents=True)
    pack.write_text("x")
    pack.chmod(0o444)
    real = os.unlink

    def unlink(path: str, *, dir_fd: int | None = None) -> None:
        if not os.stat(path, dir_fd=dir_fd).st_mode & stat.S_IWRITE:
            raise PermissionError(13, "Access is denied", path)
        real(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", unlink)
    remove(tmp_path / "clone")
    assert list(tmp_path.iterdir()) == []
    remove(tmp_path / "clone")  # nothing there is nothing to do


def test_without_the_right_to_make_links_small_files_and_folders_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(1314, "A required privilege is not held by the client")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    source, place = tmp_path / "source", tmp_path / "place"
    (source / "secrets/deep").mkdir(parents=True)
    (source / "secrets/deep/key").write_text("k")
    (source / ".env").write_text("A=1")
    (source / "data").mkdir()
    (source / "data/half").write_bytes(b"x" * (MAX_COPY // 2))
    (source / "data/more").write_bytes(b"x" * (MAX_COPY // 2 + 1))
    (source / "just").mkdir()
    (source / "just/fits").write_bytes(b"x" * MAX_COPY)
    os.mkfifo(source / "pipe")
    place.mkdir()
    work_tree._link([".env", "secrets/", "data/", "just/", "pipe", "gone"], source, place)
    assert (place / ".env").read_text() == "A=1"
    assert (place / "secrets/deep/key").read_text() == "k"
    assert sorted(path.name for path in place.iterdir()) == [".env", "just", "secrets"]


def test_a_clone_keeps_line_ends_as_they_were_committed(tmp_path: Path) -> None:
    new_repository(tmp_path / "work")
    commit(tmp_path / "work", {"run.sh": "#!/bin/sh\nexit 0\n"})
    clone((tmp_path / "work").as_uri(), tmp_path / "clone", branch="main", access=GitAccess("", None))
    assert git(tmp_path / "clone", "config", "--local", "core.autocrlf") == "false"
    assert git(tmp_path / "clone", "config", "--local", "core.eol") == "lf"
