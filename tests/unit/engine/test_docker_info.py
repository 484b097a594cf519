"""What one `docker info` is asked for, and what is asked where it has no answer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.engine.docker import Docker, DockerError

INFO = """#!/bin/sh
echo "$1 $2" >> {asked}
case "$1 $2" in
  "info --format") {info} ;;
  "compose version") {compose} ;;
esac
"""


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    return tmp_path / "asked"


def make_docker(asked: Path, monkeypatch: pytest.MonkeyPatch, *, info: str, compose: str = "exit 1") -> Docker:
    """A client that answers with what these commands of the shell print."""
    program = asked.parent / "bin/docker"
    program.parent.mkdir()
    program.write_text(INFO.format(asked=asked, info=info, compose=compose))
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("PATH", path)
    return Docker({"PATH": path, "DOCKER_HOST": "unix:///run/docker.sock"})


def test_folder_and_compose_come_from_one_command(
    asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = make_docker(asked, monkeypatch, info=f"echo '{tmp_path}|v2.40.3'")
    assert (docker.compose_version(), docker.data_folder()) == ("v2.40.3", tmp_path)
    assert asked.read_text() == "info --format\n"


def test_a_client_that_lists_no_plugins_is_asked_for_its_compose(
    asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = make_docker(asked, monkeypatch, info=f"echo '{tmp_path}|'", compose="echo 2.41.0")
    assert (docker.compose_version(), docker.data_folder()) == ("2.41.0", tmp_path)
    assert asked.read_text() == "info --format\ncompose version\n"


def test_without_compose_it_is_missing(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = make_docker(asked, monkeypatch, info="exit 1")
    with pytest.raises(DockerError):
        docker.compose_version()
