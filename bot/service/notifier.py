"""The thread that sends notices: beside the work, never before it."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Sequence

from bot.features.fleets.facts import PinIndex
from bot.features.notices.apply.address import INSTALL, NoticeAddress, is_installed, make_targets
from bot.features.notices.run import NoticeTools, send_notices
from bot.features.outbox.store import Outbox
from bot.storage.store import Store

EVERY = 10.0  # seconds between two looks at the outbox
LEASE = 120.0  # seconds for which one replica alone sends; longer than a message takes
BACKOFF = (30.0, 60.0, 300.0, 900.0)  # seconds after a message was not taken, and after the next ones

_LOG = logging.getLogger("bot.notices")


def make_tools(addresses: Sequence[str], outbox: Outbox, pins: PinIndex, now: Callable[[], float]) -> NoticeTools:
    """What sending uses. Addresses without the extra that sends to them are warned of, and the service goes on."""
    if addresses and not is_installed():
        _LOG.warning("AIOS_BOT_NOTIFY is set, and no notice can be sent: Apprise is not installed (%s)", INSTALL)
    return NoticeTools(outbox, pins, make_targets(addresses), now)


class Notifier:
    """Sends what is due to each address by itself: one that takes nothing holds up no other for long."""

    def __init__(
        self,
        tools: NoticeTools,
        store: Store,
        *,
        every: float = EVERY,
        holder: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`holder` is this replica; SQLite has one process. `clock` measures the pauses after failures."""
        self._tools, self._store, self._every, self._clock = tools, store, every, clock
        self._me = holder or ("local" if store.is_sqlite else uuid.uuid4().hex)
        self._failures: dict[str, int] = {}
        self._again: dict[str, float] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notices", daemon=True)

    def start(self) -> None:
        """Send from now on; without an address nothing is started."""
        if self._tools.targets:
            self._thread.start()

    def stop(self) -> None:
        """Begin nothing more; does not wait."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.wait(self._every):
            try:
                self.send()
            except Exception:  # noqa: BLE001 - the next time may go better; nothing depends on it
                _LOG.exception("notices could not be sent; retrying in %.0f s", self._every)

    def send(self) -> None:
        """Send what is due to every address whose pause is over, on one replica at a time."""
        if not self._tools.outbox.find_all() or not self._store.take_lease("notices", self._me, seconds=LEASE):
            return
        for target in self._tools.targets:
            if self._clock() >= self._again.get(target.key, 0.0) and not self._stopping.is_set():
                self._send_to(target)

    def _send_to(self, target: NoticeAddress) -> None:
        if send_notices(self._tools, target):
            self._failures.pop(target.key, None)
            return
        failures = self._failures.get(target.key, 0)
        pause = BACKOFF[min(failures, len(BACKOFF) - 1)]
        self._failures[target.key], self._again[target.key] = failures + 1, self._clock() + pause
        _LOG.warning("%s took no message; the next try is in %.0f s", target.name, pause)
