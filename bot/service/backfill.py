"""Fetch deliveries that never came in from GitHub's own list, oldest first; with `--pull` that is the only intake.

GitHub delivers once and keeps what it delivered for three days. A guid that stands in our table is being worked
on, or has been; every other one is fetched with its payload and stored like a webhook. Only a delivery whose
payload is gone is requested again.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bot.domain.errors import BotError, RetryLater
from bot.features.fleets.jobs import Outcome
from bot.github.client import Client
from bot.github.endpoints import deliveries
from bot.github.endpoints.deliveries import Attempt
from bot.github.webhook import LARGEST_BODY, Accepted
from bot.observability.log import log_context
from bot.observability.metrics import Counter
from bot.queue import admin
from bot.service.intake import DeliverySource, Intake
from bot.storage.store import Store

KEPT_BY_GITHUB = timedelta(days=3)
LATE = timedelta(minutes=15)  # how far before the last comparison the next one looks again
MOST_ATTEMPTS = 50_000  # listed in one comparison, at most
_SEEN = "deliveries_compared_until"

_LOG = logging.getLogger("bot.backfill")

BACKFILLS = Counter(
    "aios_bot_backfills_total", "Comparisons with GitHub's list of deliveries.", {"outcome": ("done", "failed")}
)


class Backfill:
    """Compares and stores. `redelivers`: whether GitHub can reach us, so that requesting a redelivery makes sense."""

    def __init__(self, connect: Callable[[], Client], intake: Intake, *, redelivers: bool) -> None:
        """`connect` gives a client that acts as the App."""
        self._connect = connect
        self._intake = intake
        self._redelivers = redelivers
        self._gone: set[str] = set()  # without a payload; each is asked for once

    def run(self) -> int:
        """Compare once; how many deliveries were stored.

        RetryLater and other errors of GitHub are the caller's; what came in before one stays.
        """
        try:
            found = self._run(self._connect())
        except BotError:
            BACKFILLS.inc(outcome="failed")
            raise
        BACKFILLS.inc(outcome="done")
        return found

    def run_job(self) -> Outcome:
        """`run` as a job of the queue: what it stored is queued already."""
        self.run()
        return ()

    def _run(self, client: Client) -> int:
        store = self._intake.inbox.store
        began = datetime.now(UTC)
        compared = store.read_note(_SEEN)
        since = max(
            began - KEPT_BY_GITHUB, datetime.fromisoformat(compared) - LATE if compared else began - KEPT_BY_GITHUB
        )
        listed: dict[str, Attempt] = {}
        for number, attempt in enumerate(deliveries.list_attempts(client)):
            if attempt.delivered_at < since or number >= MOST_ATTEMPTS:
                break
            listed[deliveries.guid_of(attempt)] = attempt  # the oldest attempt of each: that is its place in time
        missing = set(listed) - admin.known_guids(store, listed) - self._gone
        taken = asked = 0
        for attempt in sorted((listed[guid] for guid in missing), key=lambda one: (one.delivered_at, one.id)):
            with log_context(delivery=attempt.guid):
                if self._fetch(client, attempt):
                    taken += 1
                else:
                    self._gone.add(deliveries.guid_of(attempt))
                    asked += self._redeliver(client, attempt)
        # GitHub lists an attempt when it has ended, so its own clock says how far this comparison reached.
        newest = max((one.delivered_at for one in listed.values()), default=None)
        if newest is not None:
            store.write_note(_SEEN, newest.isoformat())
        if taken or asked:
            _LOG.info("%d deliveries were missing; requested %d more again", taken, asked)
        return taken

    def _redeliver(self, client: Client, attempt: Attempt) -> bool:
        if self._redelivers:
            deliveries.redeliver(client, attempt)
        return self._redelivers

    def _fetch(self, client: Client, attempt: Attempt) -> bool:
        body = deliveries.read_body(client, attempt)
        if body is None or len(body) > LARGEST_BODY:
            _LOG.warning("%s was missed, and GitHub has no payload of it any more", attempt.event)
            return False
        accepted = Accepted(guid=deliveries.guid_of(attempt), name=attempt.event, body=body)
        stored, ignored = self._intake.receive(accepted, DeliverySource.FETCHED)
        _LOG.info("%s fetched, %s%s", attempt.event, stored, f", ignored: {ignored}" if ignored else "")
        return True


class Puller:
    """Fetches deliveries from GitHub's list all the time: often while there are some, seldom otherwise.

    Of several replicas one does it, another one when that falls silent.
    """

    QUICKEST = 3.0  # seconds; 1,200 requests an hour of the App's own 5,000, most of them free
    SLOWEST = 60.0

    def __init__(
        self, backfill: Backfill, store: Store, *, quickest: float = QUICKEST, slowest: float = SLOWEST
    ) -> None:
        self._backfill, self._store = backfill, store
        self._name = uuid.uuid4().hex
        self._quickest, self._slowest = quickest, slowest
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="puller", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Take nothing more in; does not wait."""
        self._stopping.set()

    def _run(self) -> None:
        pause = self._quickest
        while not self._stopping.wait(pause):
            try:
                if not self._store.take_lease("puller", self._name, seconds=self._slowest * 2):
                    pause = self._slowest
                    continue
                found = self._backfill.run()
                pause = self._quickest if found else min(pause * 1.5, self._slowest)
            except RetryLater as wait:
                pause = max(wait.seconds, self._quickest)
                _LOG.warning("deliveries cannot be read for now: %s", wait)
            except BotError as problem:
                pause = self._slowest
                _LOG.error("deliveries cannot be read: %s", problem)
            except Exception:  # noqa: BLE001 - intake must outlive any failure
                pause = self._slowest
                _LOG.exception("reading deliveries failed")
