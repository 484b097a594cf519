"""A release whose server breaks off or answers nonsense: a reason, and nothing installed."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.agent.installer import InstallError, install, switch

LOCK = "a" * 64


@contextmanager
def serve_once(answer: bytes) -> Iterator[str]:
    """Answer one request with these bytes and close; the address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        thread.join(30)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nabc", "IncompleteRead"),
        (b"nonsense\r\n\r\n", "nonsense"),
    ],
    ids=["broken off", "no HTTP"],
)
def test_an_answer_that_breaks_off_is_an_error_with_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes, words: str
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with serve_once(answer) as url, pytest.raises(InstallError, match=words) as caught:
        install(tmp_path / "program", url, LOCK)
    assert str(caught.value).startswith(f"{url}/agent.txt cannot be fetched: ")
    assert list((tmp_path / "program").iterdir()) == []


def test_the_launcher_names_the_state_folder_that_it_lies_in_unless_another_is_set(tmp_path: Path) -> None:
    folder = tmp_path / "a state/program"
    python = folder / LOCK / "bin/python"
    python.parent.mkdir(parents=True)
    (folder / LOCK / "whole").touch()
    python.write_text('#!/bin/sh\necho "$AIOS_BOT_NODE_STATE" "$@"\n')
    python.chmod(0o755)
    switch(folder, LOCK)
    (tmp_path / "link").symlink_to(folder / "aios-bot")

    def run(environment: dict[str, str]) -> str:
        command = [str(tmp_path / "link"), "node", "show"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()

    path = {"PATH": "/usr/bin:/bin"}
    assert run(path) == run(path | {"AIOS_BOT_NODE_STATE": ""}) == f"{tmp_path}/a state -I -m bot node show"
    assert run(path | {"AIOS_BOT_NODE_STATE": "/other"}) == "/other -I -m bot node show"


def test_an_address_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="cannot be fetched"):
        install(tmp_path / "program", "http://127.0.0.1:port/v1", LOCK)
