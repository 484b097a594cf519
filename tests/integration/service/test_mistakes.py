"""What goes wrong on a first day ends with one line that has a cure, an exit code of its own, and nothing made."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bot.domain.errors import ExitCode
from bot.github import manifest
from bot.settings.environment import child_environment
from sandbox.github import EmbeddedGitHub
from sandbox.service import free_port
from tests.integration.postgres import make_database, postgres_server

ROOT = Path(__file__).parents[3]
LIMIT = 120  # seconds, on a loaded machine


def _environment() -> dict[str, str]:
    return child_environment() | {"PYTHONPATH": str(ROOT)}


def run(folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Exit code and standard error of the program in `folder`."""
    done = subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        env=_environment() | environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )
    return done.returncode, done.stderr


def assert_one_line(text: str, *words: str) -> None:
    assert "Traceback" not in text
    (line,) = [line for line in text.splitlines() if line.startswith("aios-bot: ")]
    for word in words:
        assert word in line


@pytest.mark.parametrize(
    "command",
    [("keys", "show"), ("keys", "rotate"), ("backup", "all.tar.gz"), ("inbox", "list"), ("audit", "export")],
)
def test_a_wrong_folder_is_refused_and_stays_empty(tmp_path: Path, command: tuple[str, ...]) -> None:
    status, text = run(tmp_path, *command)
    assert status == ExitCode.NO_DATA
    assert_one_line(text, str(tmp_path / "data"), "run this in the service's folder")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_yet_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "data/aios-bot.sqlite3"
    file.parent.mkdir()
    file.touch()
    status, text = run(tmp_path, "inbox", "list")
    assert status == ExitCode.NO_DATA
    assert_one_line(text, str(file))
    status, _ = run(tmp_path, "inbox", "list")
    assert status == ExitCode.NO_DATA, "the first one made no tables"


def test_an_empty_postgresql_is_refused_and_stays_empty(tmp_path: Path) -> None:
    with postgres_server() as server:
        url = make_database(server, "wrong")
        for _ in range(2):
            status, text = run(tmp_path, "backup", "all.tar.gz", AIOS_BOT_DATABASE_URL=url)
            assert status == ExitCode.NO_DATA
            assert_one_line(text, "there is no database of aios-bot")
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_is_found_before_the_database_is_opened(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, text = run(tmp_path, "serve", PORT=str(port))
    assert status == ExitCode.UNAVAILABLE
    assert_one_line(text, f"cannot listen on 127.0.0.1:{port}", "set HOST and PORT")
    assert list(tmp_path.iterdir()) == []


def test_without_git_it_says_what_to_install(tmp_path: Path) -> None:
    for command in (("serve",), ("plan",), ("fleet", "init"), ("node", "add", "N"), ("node", "remove", "N")):
        status, text = run(tmp_path, *command, PATH=str(tmp_path), PORT=str(free_port()))
        assert status == ExitCode.MISSING, command
        assert_one_line(text, "git is not on PATH", "apt-get install git")
    assert list(tmp_path.iterdir()) == []


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    status, text = run(tmp_path, "serve", AIOS_BOT_DATA=str(tmp_path / "file/data"), PORT=str(free_port()))
    assert status == ExitCode.NOT_WRITABLE
    assert_one_line(text, str(tmp_path / "file/data"), "choose another")


def test_a_file_in_place_of_the_data_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    status, text = run(tmp_path, "serve", AIOS_BOT_DATA=str(tmp_path / "file"), PORT=str(free_port()))
    assert status == ExitCode.NOT_WRITABLE
    assert_one_line(text, f"{tmp_path / 'file'} cannot be made: File exists; choose another path")


@pytest.mark.parametrize("command", [("serve",), ("inbox", "list")])
def test_a_file_that_is_no_database_is_named(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/aios-bot.sqlite3").write_text("not a database\n" * 100)
    status, text = run(tmp_path, *command, PORT=str(free_port()))
    assert status == ExitCode.UNAVAILABLE
    assert_one_line(text, "aios-bot.sqlite3: file is not a database", "AIOS_BOT_DATA")


def test_a_setting_that_is_missing_has_its_own_code(tmp_path: Path) -> None:
    assert run(tmp_path, "notify", "test")[0] == ExitCode.SETTINGS
    status, text = run(tmp_path, "check")
    assert status == ExitCode.NO_DATA
    assert_one_line(text, "no App is set up", "run this in the service's folder")


def test_a_program_that_is_called_git_and_is_none_is_named(tmp_path: Path) -> None:
    program = tmp_path / "bin/git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    status, text = run(tmp_path, "plan", PATH=f"{program.parent}:/usr/bin:/bin")
    assert status == ExitCode.MISSING
    assert_one_line(text, "the program `git` on PATH does not answer as git does", "install git")


def test_a_second_service_on_one_data_folder_is_refused(tmp_path: Path) -> None:
    first = subprocess.Popen(
        [sys.executable, "-u", "-m", "bot", "serve"],
        env=_environment() | {"PORT": str(free_port())},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert first.stdout is not None
        assert "No GitHub App yet" in first.stdout.readline()
        status, text = run(tmp_path, "serve", PORT=str(free_port()))
        assert status == ExitCode.IN_USE
        assert_one_line(text, str(tmp_path / "data"), "stop it first")
    finally:
        first.terminate()
        first.wait(LIMIT)
    port = free_port()
    again = subprocess.Popen(
        [sys.executable, "-u", "-m", "bot", "serve"],
        env=_environment() | {"PORT": str(port)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert again.stdout is not None
        assert "No GitHub App yet" in again.stdout.readline(), "the folder is free again"
    finally:
        again.terminate()
        again.wait(LIMIT)


def test_the_key_of_another_app_ends_the_start(tmp_path: Path) -> None:
    with EmbeddedGitHub(tmp_path / "github") as hub:
        hub.start()
        mine, other = (
            hub.register_app(name, manifest.permissions(), manifest.events(), "http://127.0.0.1:9/webhook", "x" * 20)
            for name in ("mine", "other")
        )
        settings = {
            "GITHUB_APP_ID": str(mine.id),
            "GITHUB_APP_PRIVATE_KEY": other.private_key_pem,
            "GITHUB_WEBHOOK_SECRET": "x" * 20,
            "GITHUB_API_URL": f"{hub.url}/api/v3",
            "PORT": str(free_port()),
        }
        status, text = run(tmp_path, "serve", **settings)
    assert status == ExitCode.KEY_REFUSED
    assert_one_line(text, f"App {mine.id}", "GITHUB_APP_PRIVATE_KEY of the same App")


@pytest.mark.parametrize("command", [("check",), ("node", "remove", "N", "--fleet", "o/f")])
def test_a_github_that_does_not_answer_is_named_with_what_to_check(tmp_path: Path, command: tuple[str, ...]) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    settings = {"GITHUB_APP_ID": "1", "GITHUB_APP_PRIVATE_KEY": pem, "GITHUB_WEBHOOK_SECRET": "x" * 20}
    address = f"http://127.0.0.1:{free_port()}/api/v3"
    status, text = run(tmp_path, *command, GITHUB_API_URL=address, GITHUB_TOKEN="x", **settings)
    assert status == ExitCode.UNAVAILABLE
    assert_one_line(text, "did not answer (ConnectionError); check the network and GITHUB_API_URL")
