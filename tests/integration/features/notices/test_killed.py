"""A sender that is killed at any moment loses no notice, and repeats none to a receiver that drops repeats.

Such a receiver keeps the ids of messages; what ntfy has is read. A slice of what `make verify-notices` does.
"""

from __future__ import annotations

import os
import random
import re
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
from tests.integration.features.notices.receivers import Received, Receivers, receiving
from tests.unit.service.test_router import WIN, pin

ROOT = Path(__file__).parents[4]
KILLS = int(os.environ.get("AIOS_BOT_NOTICE_KILLS", "2"))
KINDS = ("json", "ntfy", "mailto")
_MENTIONED = re.compile(r"((?:resolved: )?N\d+):")


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


class Feed:
    """Conditions that begin one after the other, of every kind, and end the same way."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._open: list[Condition] = []
        self.begun = self.ended = 0

    def begin_one(self) -> None:
        self.begun += 1
        topic = list(Topic)[self.begun % len(Topic)]
        self._open.append(Condition(notice=Notice(topic=topic, fleet=WIN, subject=f"N{self.begun}")))
        self._write()

    def end_one(self) -> None:
        if self._open:
            self.ended += 1
            del self._open[0]
            self._write()

    def _write(self) -> None:
        self._outbox.replace(WIN, "rollout main server", self._open, now=int(time.time()))


def test_every_receiver_gets_every_notice_once_over_kills(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'db.sqlite3'}"
    store = open_store(url)
    PinStore(store).replace_pins(WIN, (pin(),))
    feed, unsure = Feed(Outbox(store)), 0
    with receiving() as receivers:
        for change in (feed.begin_one, feed.end_one):
            for _ in range(KILLS):
                process = start(url, receivers)
                until = time.monotonic() + random.uniform(0.5, 1.5)
                while time.monotonic() < until:
                    change()
                    time.sleep(random.uniform(0.05, 0.3))
                kill(process)
                unsure += count_unsure(store)
            wanted = wanted_of(feed)
            process = start(url, receivers)
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline and any(wanted - set(counted(receivers, kind)) for kind in KINDS):
                time.sleep(0.05)
            kill(process)
    store.close()
    for kind in KINDS:
        assert set(counted(receivers, kind)) == wanted, kind
        assert max(counted(receivers, kind).values()) == 1, f"{kind}: twice at a receiver that drops repeats"
    repeats = {kind: len(receivers.messages[kind]) - len(kept(receivers, kind)) for kind in KINDS}
    assert sum(repeats.values()) <= unsure
    print(
        f"\n{feed.begun} notices that began and {feed.ended} that ended, to {len(KINDS)} receivers over {2 * KILLS} "
        f"kills: none lost, none in two messages.\n{unsure} were on their way when the sender was killed. Messages "
        f"repeated with the id of the first: {repeats['json']} to the webhook, {repeats['mailto']} by mail; "
        f"what ntfy has was read {receivers.reads} times instead."
    )


def wanted_of(feed: Feed) -> set[str]:
    """What a receiver hears of: each beginning, and each end."""
    begun = {f"N{number}" for number in range(1, feed.begun + 1)}
    return begun | {f"resolved: N{number}" for number in range(1, feed.ended + 1)}


def kept(receivers: Receivers, kind: str) -> list[Received]:
    """The messages without those whose id came before, which a receiver drops."""
    seen, found = set(), []
    for message in receivers.messages[kind]:
        if not message.id or message.id not in seen:
            found.append(message)
        seen.add(message.id)
    return found


def counted(receivers: Receivers, kind: str) -> Counter[str]:
    """How often each notice was mentioned as begun, and as over."""
    lines = [line for message in kept(receivers, kind) for line in message.body.splitlines()]
    return Counter(found.group(1) for line in lines if (found := _MENTIONED.match(line)))
