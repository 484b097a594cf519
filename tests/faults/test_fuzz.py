"""Mutated webhooks, and every example payload that is published, against the real door: never a 5xx, never a stored
secret, and memory stays flat.

AIOS_BOT_FUZZ sets how many mutated ones (default 2,000; `make soak` sends 30,000).
"""

from __future__ import annotations

import gzip
import http.client
import json
import os
import random
import re
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot.github.webhook import LARGEST_BODY, sign
from bot.settings.values import Secret
from tests.openapi import MODULES
from tests.unit.payloads import EXAMPLES, payload
from tests.unit.web.test_webhook import mutate

MUTATED = int(os.environ.get("AIOS_BOT_FUZZ", "2000"))
MOST_GROWTH = 40 * 1024 * 1024  # bytes, after the first tenth
SECRET = Secret("0123456789abcdef0123456789abcdef")
ROOT = Path(__file__).parents[2]
PLANTED = "ghp_" + "Qz7" * 12
PROGRAM = """
import sys
from bot.service.shutdown import Shutdown
from bot.queue.inbox import Inbox
from bot.service.server import end_on_signal, serve
from bot.observability.log import configure_logging
from bot.settings.values import Secret
from bot.service.database import open_store
from bot.storage.store import Store
from tests.queueing import make_app

secret = Secret(sys.argv[2])
configure_logging(secrets=[secret.reveal()])
inbox, shutdown = Inbox(open_store(sys.argv[1])), Shutdown()
inbox.start(lambda look: None)
with end_on_signal(shutdown):
    app = make_app(inbox, secret)
    serve(app, "127.0.0.1", 0, ready=lambda port: print(port, flush=True), shutdown=shutdown)
shutdown.leave()
"""


@contextmanager
def door(folder: Path) -> Iterator[int]:
    """The door in a process of its own; its port."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, f"sqlite:///{folder}/bot.sqlite3", SECRET.reveal()],
        stdout=subprocess.PIPE,
        stderr=(folder / "log").open("wb"),
        text=True,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(60)


class Sender:
    """One kept connection, made again when the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def deliver(self, body: bytes, headers: dict[str, str]) -> int:
        for _ in range(2):
            try:
                self._line.request("POST", "/webhook", body, headers)
                answer = self._line.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                self._line.close()
            else:
                return answer.status
        return 413 if len(body) > LARGEST_BODY else 400  # it closed while we were still sending

    def memory(self) -> int:
        self._line.request("GET", "/metrics")
        page = self._line.getresponse().read().decode()
        found = re.search(r"^process_resident_memory_bytes (\S+)$", page, re.MULTILINE)
        assert found, page
        return int(float(found[1]))


def published() -> list[tuple[str, dict[str, Any]]]:
    """Event name and payload of every published example."""
    index = MODULES / "@octokit/webhooks-examples/api.github.com/index.json"
    return [(one["name"], example) for one in json.loads(index.read_text()) for example in one["examples"]]


def headers_of(body: bytes, name: str) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": name,
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": sign(body, SECRET),
    }


def plant(whole: dict[str, Any]) -> dict[str, Any]:
    """Put a token where people might have put one."""
    commit = {"id": "a" * 40, "message": f"the token is {PLANTED}", "url": f"https://x:{PLANTED}@example.com"}
    return {**whole, "commits": [commit], "hook": {"config": {"secret": PLANTED}}, "client_payload": PLANTED}


def twist(chance: random.Random, body: bytes, headers: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    """Another encoding, size, nesting or header."""
    match chance.randrange(12):
        case 0:
            return body.decode("utf-8", "replace").encode("utf-16"), headers
        case 1:
            return gzip.compress(body), headers | {"Content-Encoding": "gzip"}
        case 2:
            return b'{"a":' * chance.choice([10, 1_000, 100_000]) + b"1", headers
        case 3:
            return body + b" " * chance.choice([10, 10_000, 1_000_000]), headers
        case 4:
            return body, headers | {
                "Content-Type": chance.choice(["text/plain", "", "application/json; charset=x", "\u00ff"])
            }
        case 5:
            return body, headers | {"X-GitHub-Delivery": chance.choice(["", "x", "0" * 36, PLANTED, "../../x"])}
        case 6:
            return body, headers | {"X-GitHub-Event": chance.choice(["", "\u00e9", "a" * 5_000, PLANTED, "push\t"])}
        case 7:
            return body, headers | {
                "X-Hub-Signature-256": chance.choice(["", "sha256=", "sha256=" + "0" * 64, "\u00ff"])
            }
        case _:
            return body, headers


def test_nothing_breaks_the_door_and_no_secret_comes_in(tmp_path: Path) -> None:
    chance = random.Random(20261124)
    answers: Counter[int] = Counter()
    examples = published()
    assert len(examples) > 200
    with door(tmp_path) as port:
        sender = Sender(port)
        for name, example in examples:
            body = json.dumps(plant(example)).encode()
            status = sender.deliver(body, headers_of(body, name))
            assert status == 202, (name, status)
        memory: list[int] = []  # after each tenth
        for number in range(MUTATED):
            if number and number % (MUTATED // 10) == 0:
                memory.append(sender.memory())
            name = chance.choice(sorted(EXAMPLES))
            whole = payload(name) if chance.random() < 0.7 else dict(chance.choice(examples)[1])
            body = mutate(chance, plant(whole))
            resigned = chance.random() < 0.7
            before = headers_of(body, name)
            body, headers = twist(chance, body, before)
            if resigned and headers["X-Hub-Signature-256"] == before["X-Hub-Signature-256"]:
                headers = headers | {"X-Hub-Signature-256": sign(body, SECRET)}
            answers[sender.deliver(body, headers)] += 1
        memory.append(sender.memory())
        assert sender.deliver(b"{" * (LARGEST_BODY + 2), headers_of(b"", "push")) == 413
        after_the_largest = sender.memory()
    assert max(answers) < 500, answers
    assert answers[202] > MUTATED // 10, answers
    assert max(memory) - memory[0] < MOST_GROWTH, memory
    assert after_the_largest - memory[-1] < 2 * LARGEST_BODY, after_the_largest
    for file in tmp_path.iterdir():
        held = file.read_bytes()
        assert PLANTED.encode() not in held, file.name
        assert SECRET.reveal().encode() not in held, file.name
    tenths = ", ".join(f"{one / 2**20:.1f}" for one in memory)
    print(f"\n{len(examples)} examples, {MUTATED} mutated: {dict(answers)}; memory after each tenth {tenths} MiB")
