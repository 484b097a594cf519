"""kill -9 at random moments: what was answered with 202 is worked on, in order, and nothing that ended again.

AIOS_BOT_FAULT_ROUNDS sets how often (default 10).
"""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from bot.domain.names import BranchName, InstallationId, RepoName, SubmodulePath
from bot.features.bump.jobs import bump_branch
from bot.features.fleets.facts import Pinned
from bot.features.fleets.store import PinStore
from bot.github.webhook import sign
from bot.queue.tables import DELIVERIES, JOBS
from bot.service.database import open_store
from bot.storage.store import Store
from tests.faults.victim import SECRET
from tests.integration.postgres import make_database, postgres_server
from tests.unit.payloads import payload

ROOT = Path(__file__).parents[2]
ROUNDS = int(os.environ.get("AIOS_BOT_FAULT_ROUNDS", "10"))
FLEETS = [RepoName(f"acme/fleet-{number}") for number in range(4)]
MAIN = BranchName("main")


def fill_pins(store: Store, each: int) -> None:
    for fleet in FLEETS:
        pins = [
            Pinned(
                fleet=fleet,
                installation=InstallationId(7),
                base=MAIN,
                default_branch=MAIN,
                submodule=SubmodulePath(f"sub-{number}"),
                upstream=RepoName("acme/server"),
                tracked=MAIN,
                waits_for_checks=False,
            )
            for number in range(each)
        ]
        PinStore(store).replace_pins(fleet, pins)


class Sender:
    """Delivers one event per submodule of each fleet, each look its own; again when it was not answered."""

    def __init__(self, each: int) -> None:
        self.todo = [(fleet, f"sub-{number}", str(uuid.uuid4())) for number in range(each) for fleet in FLEETS]
        self.answered: set[str] = set()
        self.strange: list[str] = []
        self.ports: list[int] = []
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(3)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def is_done(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self.todo:
                    return
                delivery = self.todo.pop(0)
            while not self._deliver(*delivery):
                time.sleep(0.05)
            time.sleep(0.01)

    def _deliver(self, fleet: RepoName, submodule: str, guid: str) -> bool:
        head = bump_branch(MAIN, SubmodulePath(submodule))
        pull = {"head": {"ref": head}, "merged": False}
        changes = {"action": "opened", "repository": {"full_name": fleet}, "pull_request": pull}
        body = json.dumps(payload("pull_request", changes)).encode()
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": "pull_request",
            "X-GitHub-Delivery": guid,
            "X-Hub-Signature-256": sign(body, SECRET),
        }
        if not self.ports:
            return False
        connection = http.client.HTTPConnection("127.0.0.1", random.choice(self.ports), timeout=10)
        try:
            connection.request("POST", "/webhook", body, headers)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        if status == 202:
            self.answered.add(guid)
        else:
            self.strange.append(f"{status} for {guid}")
        return True


@contextmanager
def victim(url: str, log: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.victim", url, str(log)],
        stdout=subprocess.PIPE,
        stderr=log.with_suffix(".err").open("a"),
        text=True,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, log.with_suffix(".err").read_text()
        try:
            yield process, int(line)
        except AssertionError as problem:
            problem.add_note(describe(process, log))
            raise
    finally:
        process.kill()
        process.wait()


def describe(process: subprocess.Popen[str], log: Path) -> str:
    """How a victim that did not do its work stands: where each of its threads is, or how it ended."""
    state = f"had ended with {process.poll()}"
    if process.poll() is None:
        state = "was in state " + Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        for number in (signal.SIGABRT, signal.SIGCONT):  # upon the first it prints its threads
            process.send_signal(number)
        process.wait(30)
    errors = log.with_suffix(".err").read_text("utf-8", "replace")[-20_000:]
    return f"the last process {state}; it printed:\n{errors}"


def wait_until_done(store: Store, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    left = None
    while left != 0 and time.monotonic() < deadline:
        time.sleep(0.1)
        with store.reading() as connection:
            open_ones = sa.select(sa.func.count()).where(DELIVERIES.c.state == "received")
            left = connection.execute(open_ones).scalar()
    if left:
        with store.reading() as connection:
            looks = connection.execute(sa.select(JOBS).where(JOBS.c.state != "done").limit(5)).all()
        raise AssertionError(f"{left} deliveries were not worked on; for one {looks}")


def check(store: Store, sender: Sender, log: Path, *, killed: set[int], most_repeats: int) -> str:
    """Assert what must hold, and give one line of the table."""
    assert sender.strange == []
    with store.reading() as connection:
        rows = connection.execute(sa.select(DELIVERIES.c.guid, DELIVERIES.c.state)).all()
    states: dict[str, str] = dict(tuple(row) for row in rows)
    lost = [guid for guid in sender.answered if states.get(guid) != "done"]
    assert lost == []
    running: dict[str, tuple[str, str]] = {}
    ended: Counter[str] = Counter()
    ended_in: Counter[tuple[str, str]] = Counter()
    for line in log.read_text().splitlines():
        what, fleet, submodule, pid = line.split()
        if what == "begin":
            other, by = running.pop(fleet, ("", "0"))
            assert not other or int(by) in killed, f"{submodule} began while {other} ran"
            running[fleet] = (submodule, pid)
        else:
            assert running.pop(fleet) == (submodule, pid)
            ended[f"{fleet} {submodule}"] += 1
            ended_in[(f"{fleet} {submodule}", pid)] += 1
    assert len(ended) == len(sender.answered), "every look ran"
    assert max(ended_in.values()) == 1, "no process ran a look twice"
    repeats = sum(ended.values()) - len(ended)
    assert repeats <= most_repeats, "only what was in flight at a kill may run again"
    return f"{len(sender.answered)} answered, 0 lost, {repeats} of {len(ended)} looks run again"


def test_kill_9_of_the_only_process(tmp_path: Path) -> None:
    url, log = f"sqlite:///{tmp_path}/bot.sqlite3", tmp_path / "log"
    store = open_store(url)
    each = 12 * ROUNDS
    fill_pins(store, each)
    sender = Sender(each)
    sender.start()
    killed: set[int] = set()
    while len(killed) < ROUNDS:
        with victim(url, log) as (process, port):
            sender.ports = [port]
            time.sleep(random.uniform(0.05, 0.8))
            process.kill()
            sender.ports = []
            killed.add(process.pid)
    with victim(url, log) as (_process, port):
        sender.ports = [port]
        deadline = time.monotonic() + 60 + ROUNDS
        while not sender.is_done() and time.monotonic() < deadline:
            time.sleep(0.1)
        wait_until_done(store, 60)
    found = check(store, sender, log, killed=killed, most_repeats=4 * len(killed))
    print(f"\nSQLite, one process: {len(killed)} kills, {found}")
    store.close()


def test_a_schedule_runs_once_over_all_replicas_and_outlives_each(tmp_path: Path) -> None:
    log = tmp_path / "log"
    ticks = Path(f"{log}.ticks")

    def watch() -> tuple[list[str], float]:
        """Who ran it within ten seconds or so, and how many seconds those were."""
        before, began = len(ticks.read_text().splitlines()), time.monotonic()
        time.sleep(10)
        return ticks.read_text().splitlines()[before:], time.monotonic() - began

    with postgres_server() as server:
        url = make_database(server, "bot")
        with victim(url, log) as (first, _), victim(url, log), victim(url, log):
            time.sleep(2)  # each of them is at it
            together, seconds = watch()
            first.kill()
            left, _ = watch()
    assert 1 < len(together) < 1.5 * seconds, together  # three times a second if each ran it by itself
    assert set(left) - {str(first.pid)}, left


def test_kill_9_of_one_of_three_replicas(tmp_path: Path) -> None:
    log = tmp_path / "log"
    each = 60
    killed: set[int] = set()
    with postgres_server() as server:
        url = make_database(server, "bot")
        store = open_store(url)
        fill_pins(store, each)
        sender = Sender(each)
        with victim(url, log) as (_one, port_1), victim(url, log) as (_two, port_2):
            sender.ports = [port_1, port_2]
            sender.start()
            for _ in range(max(1, ROUNDS // 5)):
                with victim(url, log) as (third, port_3):
                    sender.ports = [port_1, port_2, port_3]
                    time.sleep(random.uniform(0.3, 1.0))
                    third.kill()
                    killed.add(third.pid)
                    sender.ports = [port_1, port_2]
            deadline = time.monotonic() + 60
            while not sender.is_done() and time.monotonic() < deadline:
                time.sleep(0.1)
            wait_until_done(store, 60)
        found = check(store, sender, log, killed=killed, most_repeats=4 * len(killed))
        print(f"\nPostgreSQL, three replicas: {len(killed)} kills, {found}")
        store.close()
