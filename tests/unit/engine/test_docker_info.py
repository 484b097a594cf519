"""What one `docker info` is asked for, and what is asked where it has no answer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.engine.docker import Docker, DockerError
from bot.engine.programs import is_own_program

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


def test_compose_starts_alone_once_its_program_is_known(
    asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / "docker-compose"
    plugin.write_text("#!/bin/sh\necho alone $*\n")
    plugin.chmod(0o755)
    docker = make_docker(asked, monkeypatch, info=f"echo '{tmp_path}|v2.40.3|{plugin}'", compose="echo by the client")
    monkeypatch.setattr("bot.engine.docker.is_own_program", lambda path, _: Path(path).exists())
    assert docker.run("compose", "version") == "by the client"
    docker.compose_version()
    assert docker.run("compose", "version") == "alone version"
    assert docker.with_variables({"A": "b"}).with_container_settings(()).run("compose", "version") == "alone version"
    assert asked.read_text() == "compose version\ninfo --format\n"


def test_a_script_in_the_clients_place_starts_compose_itself(
    asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / "docker-compose"
    plugin.write_bytes(b"\x7fELF")
    docker = make_docker(asked, monkeypatch, info=f"echo '{tmp_path}|v2.40.3|{plugin}'", compose="echo by the client")
    docker.compose_version()
    assert docker.run("compose", "version") == "by the client"


def test_what_counts_as_the_program_itself(tmp_path: Path) -> None:
    real, script, other = tmp_path / "lib/docker", tmp_path / "script/docker", tmp_path / "snap"
    for place, content in ((real, b"\x7fELF"), (script, b"#!/bin/sh\n"), (other, b"\x7fELF")):
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content)
    linked, started_by_other = tmp_path / "docker", tmp_path / "bin/docker"
    linked.symlink_to(real)
    started_by_other.parent.mkdir()
    started_by_other.symlink_to(other)
    assert is_own_program(real, "docker")
    assert is_own_program(linked, "docker")
    assert not is_own_program(script, "docker")
    assert not is_own_program(started_by_other, "docker")
    assert not is_own_program("", "docker")
