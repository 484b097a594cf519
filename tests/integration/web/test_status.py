"""`aios-bot status` against the service's own API, over HTTP: what it prints, and how it ends when it cannot."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import click
import pytest
from click.testing import CliRunner
from werkzeug.serving import make_server

from bot.cli.main import aios_bot
from bot.cli.status import EVERY
from bot.domain.names import RepoName
from bot.features.rollout.decide.rollout import Standing
from bot.features.rollout.store import RolloutStore
from bot.features.visitors.store import TokenStore
from bot.queue.inbox import Inbox
from bot.service.database import open_store
from bot.storage.store import Store
from tests.browser.states import Fleets, fill, node
from tests.queueing import make_locked_app

ROOT = Path(__file__).parents[3]
FLEET, HOSTILE = RepoName("acme/aios-failing"), RepoName("acme/aios-hostile")


class Place(NamedTuple):
    url: str
    tokens: dict[RepoName, str]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('status') / 'aios-bot.sqlite3'}")
    fill(store, RolloutStore(store, page_key=b"key"))
    tokens = {fleet: TokenStore(store).add(fleet, "a test", days=1) for fleet in (FLEET, HOSTILE)}
    with serving(store) as url:
        yield Place(url, tokens)
    store.close()


@contextmanager
def serving(store: Store, port: int = 0) -> Iterator[str]:
    """The service's pages and API on a port of this machine; their address."""
    with running(make_server("127.0.0.1", port, make_locked_app(Inbox(store)), threaded=True)) as url:
        yield url


@contextmanager
def running(server: HTTPServer) -> Iterator[str]:
    """The server in a thread; its address."""
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run(*arguments: str, **environ: str) -> tuple[int, str, str]:
    """The exit code and what is printed."""
    given = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **environ}
    program = [sys.executable, "-m", "bot", "status", *arguments]
    done = subprocess.run(program, env=given, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stdout, done.stderr


def test_plain_lines_tell_what_runs_what_waits_and_why(place: Place) -> None:
    code, out, err = run(AIOS_BOT_URL=place.url, AIOS_BOT_TOKEN=place.tokens[FLEET])
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith(f"{FLEET}: ")
    assert "failed" in lines[0]
    failed = next(line for line in lines if line.startswith("AIOS "))
    assert "server@main  failed" in failed
    assert "/retry in #" in failed
    assert "\x1b" not in out
    assert any(line.startswith("#") for line in lines), "pull requests that wait"


def test_json_is_what_the_api_sends(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(place.tokens[FLEET] + "\n")
    code, out, _ = run(FLEET, "--json", "--token-file", str(file), "--url", place.url)
    assert code == 0
    (line,) = out.splitlines()
    assert json.loads(line)["name"] == FLEET


def test_hostile_names_do_nothing(place: Place) -> None:
    _, out, _ = run(AIOS_BOT_URL=place.url, AIOS_BOT_TOKEN=place.tokens[HOSTILE])
    assert HOSTILE in out
    assert not {"\x1b", "\x07", "\u202e"} & set(out)


def test_each_refusal_is_one_line_with_what_to_do(place: Place, tmp_path: Path) -> None:
    good = {"AIOS_BOT_URL": place.url, "AIOS_BOT_TOKEN": place.tokens[FLEET]}
    with answering(200, b"<html>") as elsewhere, answering(302, b"") as moved:
        for arguments, environ, code, words in (
            ((), {**good, "AIOS_BOT_TOKEN": "aiosbot_wrong"}, 4, "refuses the token"),
            (("acme/other",), good, 4, "has no fleet acme/other, or the token is not for it"),
            (("nonsense",), good, 1, "REPO: not a repository name"),
            (
                (),
                {**good, "AIOS_BOT_URL": "http://127.0.0.1:1"},
                6,
                "cannot reach http://127.0.0.1:1",
            ),
            ((), {**good, "AIOS_BOT_URL": elsewhere}, 6, "does not answer as aios-bot's API does"),
            ((), {**good, "AIOS_BOT_URL": moved}, 6, "answers 302"),
        ):
            found = run(*arguments, **environ)
            assert found[:2] == (code, ""), found
            assert words in found[2]
            assert len(found[2].splitlines()) == 1
            assert place.tokens[FLEET] not in found[2]
    code, _, err = run(AIOS_BOT_URL=place.url)
    assert code == 5
    assert "`aios-bot token add OWNER/NAME`" in err


def test_watch_shows_each_change_once_and_outlives_a_restart_of_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'aios-bot.sqlite3'}")
    fleets = Fleets(store, RolloutStore(store, page_key=b"key"))
    fleet = fleets.add("home", [node("HP", text="runs server@e5e5e5e")])
    token = TokenStore(store).add(fleet, "a test", days=1)
    waits: list[float] = []
    with ExitStack() as first, ExitStack() as second:
        url = first.enter_context(serving(store))

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            match len(waits):
                case 2:
                    fleets.add("home", [node("HP", Standing.FAILED, text="traefik exited with 1")])
                case 4:
                    first.close()
                case 6:
                    second.enter_context(serving(store, int(url.rpartition(":")[2])))
                case 8:
                    raise KeyboardInterrupt

        monkeypatch.setattr("bot.cli.status.time", SimpleNamespace(sleep=sleep))
        environment = {"AIOS_BOT_URL": url, "AIOS_BOT_TOKEN": token}
        done = CliRunner(env=environment).invoke(aios_bot, ["status", "--watch"], standalone_mode=False)
    store.close()
    assert isinstance(done.exception, click.Abort)
    assert waits == [EVERY] * 8
    assert done.stdout.count("acme/home: ") == 2, done.stdout
    assert done.stdout.index("runs server@e5e5e5e") < done.stdout.index("traefik exited with 1")
    (silence,) = done.stderr.split("\n")[:-2]  # Ctrl-C ends its line
    assert f"cannot reach {url}" in silence
    assert silence.endswith("; looking again every 5 s")


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """A server that gives this answer to everything; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Location", "https://elsewhere.example/")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Write nothing."""

    with running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as url:
        yield url
