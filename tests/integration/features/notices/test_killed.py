"""A sender that is killed at any moment loses no notice, and repeats only the one that was on its way.

A slice of what `make verify-notices` does.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import sqlalchemy as sa

from bot.domain.notices import Topic
from bot.features.fleets.store import PinStore
from bot.features.outbox.facts import Condition, Notice
from bot.features.outbox.store import NOTICES_SENT, Outbox
from bot.service.database import open_store
from bot.storage.store import Store
from tests.integration.features.notices.receivers import Receivers, receiving
from tests.unit.service.test_router import WIN, pin

ROOT = Path(__file__).parents[4]
KILLS = int(os.environ.get("AIOS_BOT_NOTICE_KILLS", "2"))
KINDS = ("json", "ntfy", "mailto")


def start(url: str, receivers: Receivers) -> subprocess.Popen[bytes]:
    addresses = [receivers.addresses[kind] for kind in KINDS]
    module = "tests.integration.features.notices.sender"
    process = subprocess.Popen(
        [sys.executable, "-m", module, url, *addresses],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def count_unsure(store: Store) -> int:
    """Messages that were on their way when the sender died."""
    with store.reading() as connection:
        query = sa.select(sa.func.count()).select_from(NOTICES_SENT).where(NOTICES_SENT.c.at == 0)
        return int(connection.execute(query).scalar_one())


def test_every_receiver_gets_every_notice_over_kills(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'db.sqlite3'}"
    store = open_store(url)
    PinStore(store).replace_pins(WIN, (pin(),))
    outbox, unsure, number = Outbox(store), 0, 0
    conditions: list[Condition] = []
    with receiving() as receivers:
        for _ in range(KILLS):
            process = start(url, receivers)
            until = time.monotonic() + random.uniform(0.5, 1.5)
            while time.monotonic() < until:
                number += 1
                told = Notice(topic=Topic.DRIFT, fleet=WIN, subject=f"N{number}")
                conditions.append(Condition(notice=told))
                outbox.replace(WIN, "drift main server", conditions, now=int(time.time()))
                time.sleep(random.uniform(0.05, 0.3))
            kill(process)
            unsure += count_unsure(store)
        process = start(url, receivers)
        wanted = {f"N{n}" for n in range(1, number + 1)}
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and any(wanted - set(counted(receivers, kind)) for kind in KINDS):
            time.sleep(0.05)
        kill(process)
    repeated = 0
    for kind in KINDS:
        found = counted(receivers, kind)
        assert set(found) == wanted, kind
        repeated += sum(found.values()) - len(wanted)
    assert repeated <= unsure
    print(f"\n{number} notices to {len(KINDS)} receivers over {KILLS} kills: none lost, {repeated} told twice")
    store.close()


def counted(receivers: Receivers, kind: str) -> Counter[str]:
    """How often each node was mentioned."""
    lines = [line for message in receivers.messages[kind] for line in message.body.splitlines()]
    return Counter(line.partition(":")[0] for line in lines if line.startswith("N"))
