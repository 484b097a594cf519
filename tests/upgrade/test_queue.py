"""The queue beside and after the version before, whose drains DBOS ran: no overlaps, nothing left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.domain.names import BranchName, InstallationId, RepoName
from bot.features.rollout.jobs import SyncRollout
from bot.queue import former_engine, lanes
from bot.queue.inbox import Inbox, RetryPolicy
from bot.queue.lanes import Burst
from bot.queue.tables import DRAINS
from bot.service.database import open_store
from bot.service.router import AnyJob
from bot.storage.store import Store
from tests.integration.postgres import make_database, postgres_server
from tests.queueing import handler, queued
from tests.upgrade.versions import environment_of, previous_version

OLD_REPLICA = """
import os, sys, time
from bot.intake.inbox import Inbox, Patience
from bot.intake.ledger import Burst
from bot.storage.store import Store
url, log = sys.argv[1:]
note = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def work(look):
    os.write(note, f"begin {look.key} old\\n".encode())
    time.sleep(0.05)
    os.write(note, f"end {look.key} old\\n".encode())

inbox = Inbox(Store(url), workers=4, patience=Patience(burst=Burst(), sweep=0.2, beat=0.2, dead_after=120.0))
inbox.start(work)
print("started", flush=True)
sys.stdin.read()
inbox.stop()
"""
POLICY = RetryPolicy(burst=Burst(), sweep=0.2, beat=0.2, dead_after=120.0)
KEYS, EACH = "abc", 40


@contextmanager
def old_replica(url: str, log: Path) -> Iterator[None]:
    """A process of the version before that runs jobs from this database; it is stopped at the end."""
    with (
        previous_version() as before,
        subprocess.Popen(
            [sys.executable, "-c", OLD_REPLICA, url, str(log)],
            env=os.environ | environment_of(before),
            cwd=before,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        yield
        process.communicate("")


def rollout(lane: str, number: int) -> SyncRollout:
    fleet, base = RepoName(f"acme/{lane}"), BranchName(f"release-{number}")
    return SyncRollout(fleet=fleet, installation=InstallationId(7), base=base)


def work_side_by_side(url: str, log: Path) -> tuple[set[str], int]:
    """Both versions run what is queued. Which of them ran something, and how often two ran in one lane."""
    store = open_store(url)
    note = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def work(job: AnyJob) -> None:
        os.write(note, f"begin {job.key} new\n".encode())
        time.sleep(0.05)
        os.write(note, f"end {job.key} new\n".encode())

    with old_replica(url, log):
        inbox = Inbox(store, workers=4, policy=POLICY)
        inbox.start(handler(work))
        for number in range(EACH):
            # Nobody is woken: the sweep of either version finds them. Lanes fall idle now and then.
            lanes.add_jobs(store, queued(*(rollout(lane, number) for lane in KEYS)), POLICY.burst)
            time.sleep(0.1)
        assert inbox.wait_until_idle(120)
        inbox.stop()
    store.close()
    os.close(note)
    return read_log(log)


def read_log(log: Path) -> tuple[set[str], int]:
    running: dict[str, str] = {}
    ran, overlaps = set[str](), 0
    for line in log.read_text().splitlines():
        what, key, version = line.split()
        ran.add(version)
        if what == "begin":
            overlaps += key in running
            running[key] = version
        else:
            running.pop(key, None)
    return ran, overlaps


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres_server() as address:
        yield address


def test_replicas_of_both_versions_never_overlap_in_a_lane(server: str, tmp_path: Path) -> None:
    url = make_database(server, "bot")
    ran, overlaps = work_side_by_side(url, tmp_path / "log")
    assert ran == {"old", "new"}
    assert overlaps == 0
    store = open_store(url)
    with store.reading() as connection:
        assert connection.execute(sa.select(DRAINS)).all() == []
    store.close()


def test_they_would_overlap_if_each_kept_to_itself(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the test above could not fail."""

    def never(_store: Store) -> bool:
        return False

    monkeypatch.setattr(former_engine, "may_run", never)
    _, overlaps = work_side_by_side(make_database(server, "kept-apart"), tmp_path / "log")
    assert overlaps > 0


def test_the_file_of_the_engine_before_is_deleted(tmp_path: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        (tmp_path / f"aios-bot-engine.sqlite3{ending}").write_text("what it kept")
    store = open_store(f"sqlite:///{tmp_path}/aios-bot.sqlite3")
    inbox = Inbox(store)
    inbox.start(lambda _job: None)
    inbox.stop()
    store.close()
    assert not list(tmp_path.glob("*engine*"))
